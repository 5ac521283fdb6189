"""One test, run by itself or in a fork."""

import hashlib
import os
import re
import signal
from collections.abc import Callable
from typing import Any

from _pytest.tmpdir import tmppath_result_key
from bloomery_job import tell
from bloomery_steps import TEARDOWN_STEPS, Steps

WALL_MORE_S = 5.0
ADDRESS = re.compile(r"0x[0-9a-f]{6,}")


def run_item(item: Any) -> None:
    """One test with its fixtures; raises what it raises."""
    if hasattr(item, "_initrequest"):
        item._initrequest()
    item.stash.setdefault(tmppath_result_key, {})  # what pytest's report of a test leaves for `tmp_path`
    state = item.session._setupstate
    try:
        state.setup(item)
        item.runtest()
        failures = getattr(item, "_excinfo", None)
        if failures:
            item._excinfo = None
            raise failures[0].value
    finally:
        Steps.at_end, Steps.left = Steps.left, TEARDOWN_STEPS
        state.teardown_exact(None)


def in_child(work: Callable[[], None], cpu_s: float) -> int:
    """The exit status of a fork that did the work; a signal's number, negative, where one ended it."""
    child = os.fork()
    if child == 0:
        try:
            signal.signal(signal.SIGALRM, signal.SIG_DFL)
            signal.setitimer(signal.ITIMER_PROF, cpu_s)
            signal.setitimer(signal.ITIMER_REAL, WALL_MORE_S + 20 * cpu_s)
            work()
        except BaseException as error:  # edge: a forked child, which must never return into the session
            tell("broke", repr(error)[:300])
        finally:
            os._exit(0)
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])


def print_of(error: BaseException) -> str:
    text = f"{type(error).__name__}: {ADDRESS.sub('', str(error))[:2000]}"
    return hashlib.sha256(text.encode(errors="replace")).hexdigest()[:12]
