"""What becomes of each test of the program as it is, and what each runs."""

import random
import sys
import time
from collections.abc import Sequence
from functools import partial
from typing import Any

import bloomery_tracing
from _pytest.outcomes import Skipped
from bloomery_job import JOB, TARGET, tell
from bloomery_running import in_child, print_of, run_item
from bloomery_steps import OutOfSteps, Steps
from bloomery_target import Known


def survey(items: Sequence[Any], _known: Known) -> None:
    for item in items:
        if item.get_closest_marker("xfail") or item.get_closest_marker("skip"):
            tell("test", item.nodeid, "skipped", 0, "", "", 0.0)
            continue
        ended = in_child(partial(watch, item), JOB["cpu_s"])
        if ended:
            tell("test", item.nodeid, "failed", JOB["limit"], "", f"ended by signal {-ended}", 0.0)
    if JOB["trace"]:
        trace(items)


def watch(item: Any) -> None:
    Steps.left = JOB["limit"]
    began = time.process_time()
    try:
        run_item(item)
        said = ("passed", Steps.used(), "", "")
    except Skipped:
        said = ("skipped", 0, "", "")
    except OutOfSteps:
        said = ("failed", JOB["limit"], "steps", "it ran out of steps")
    except BaseException as error:  # edge: a forked child; whatever the test raises is its outcome
        said = ("failed", Steps.used(), print_of(error), f"{type(error).__name__}: {error}"[:500])
    tell("test", item.nodeid, *said, time.process_time() - began)


def trace(items: Sequence[Any]) -> None:
    """Each test a second time, with other random numbers, and followed line by line."""
    for item in items:
        work = partial(bloomery_tracing.follow, item, run_traced, TARGET, JOB, Steps, tell)
        in_child(work, 3 * JOB["cpu_s"])


def run_traced(item: Any) -> str:
    """A second run's outcome, where it came to one within the steps."""
    random.seed()
    if "numpy" in sys.modules:
        sys.modules["numpy"].random.seed()
    try:
        run_item(item)
    except OutOfSteps:
        return "steps"
    except Skipped:
        return "skipped"
    except BaseException:  # edge: a forked child; whatever the test raises is its outcome
        return "failed"
    return "passed"
