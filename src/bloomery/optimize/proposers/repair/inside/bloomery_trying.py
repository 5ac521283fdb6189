"""Candidates tried: those that one test can turn down share a fork, each other has one of its own."""

import json
import os
from collections.abc import Iterator, Sequence
from functools import partial
from itertools import groupby
from typing import Any

import bloomery_inputs
from bloomery_job import JOB, tell
from bloomery_running import in_child, print_of, run_item
from bloomery_steps import OutOfSteps, Steps
from bloomery_target import Known, swap

SHARED = 24
PASSED = 3
MORE_CPU = 4  # for all tests together
SEEN_TESTS = 60
ORIGINAL = {"id": -1, "codes": []}


def attempt_all(items: Sequence[Any], known: Known) -> None:
    """Each trial alone, but for those that one test can turn down: many of them share a fork."""
    sharing = True
    passing = []
    for chunk in chunks(JOB["trials"]):
        alone = [trial for trial in chunk if any(kind != "code" for _, kind in trial["codes"])]
        shared = [trial for trial in chunk if trial not in alone] if sharing else []
        turned_down = screen(shared, items[chunk[0]["lead"]], known) if shared else []
        sharing = sharing and (turned_down is not None or not shared)
        for trial in chunk:
            if trial["id"] not in (turned_down or ()):
                ended = in_child(partial(attempt, trial, items, known), MORE_CPU * JOB["cpu_s"])
                if ended == PASSED:
                    passing.append(trial)
                elif ended:
                    tell("tried", trial["id"], "killed", -1, str(ended))
    probe(passing[: JOB["probed"]], known)


def chunks(trials: Sequence[dict[str, Any]]) -> Iterator[list[dict[str, Any]]]:
    """Trials one after the other that the same test is asked about first."""
    for _, group in groupby(trials, key=lambda trial: trial["lead"]):
        same = list(group)
        for start in range(0, len(same), SHARED):
            yield same[start : start + SHARED]


def see_all(items: Sequence[Any], known: Known) -> None:
    """Which of the tests each trial passes."""
    for trial in JOB["trials"]:
        in_child(partial(see, trial, items[:SEEN_TESTS], known), 3 * JOB["cpu_s"])


def see(trial: dict[str, Any], items: Sequence[Any], known: Known) -> None:
    if swap(trial, known):
        tell("seen", trial["id"], [once(item)[0] == "passed" for item in items])


def screen(trials: Sequence[dict[str, Any]], item: Any, known: Known) -> list[int] | None:
    """The trials that fail this test, tried one after the other in one fork.

    None where one of them left its traces, so that the program as it was answers otherwise afterwards than
    before, or ended the process: then nothing of it counts, and each is tried alone.
    """
    taken, given = os.pipe()
    ended = in_child(partial(screen_inside, trials, item, known, given), JOB["cpu_s"])
    os.close(given)
    with os.fdopen(taken) as told:
        lines = [json.loads(line) for line in told]
    if ended or not lines or lines[-1] != "as before":
        return None
    for line in lines[:-1]:
        tell("tried", *line)
    return [line[0] for line in lines[:-1]]


def screen_inside(trials: Sequence[dict[str, Any]], item: Any, known: Known, given: int) -> None:
    originals = {function: function.__code__ for group in known.values() for function in group}
    before = once(item)
    said = []
    for trial in trials:
        if not swap(trial, known):
            said.append((trial["id"], "unswapped", -1, ""))
        elif (how := once(item))[0] != "passed":
            said.append((trial["id"], how[0], 0, how[1]))
        for function, code in originals.items():
            function.__code__ = code
    said.append("as before" if once(item) == before else "changed")  # type: ignore[arg-type]
    os.write(given, "".join(json.dumps(line) + "\n" for line in said).encode())


def once(item: Any) -> tuple[str, str]:
    Steps.left = JOB["limit"]
    try:
        run_item(item)
    except OutOfSteps:
        return "steps", "steps"
    except BaseException as error:  # edge: a forked child; whatever the test raises is its outcome
        return "failed", print_of(error)
    return "passed", ""


def attempt(trial: dict[str, Any], items: Sequence[Any], known: Known) -> None:
    if not swap(trial, known):
        tell("tried", trial["id"], "unswapped", -1, "")
        return
    place = -1
    try:
        for item in items:
            place += 1
            Steps.left = JOB["patience"] if 0 < place < JOB["failing"] else JOB["limit"]
            run_item(item)
    except OutOfSteps:
        tell("tried", trial["id"], "steps", place, "steps")
    except BaseException as error:  # edge: a forked child; whatever the test raises ends the candidate
        tell("tried", trial["id"], "failed", place, print_of(error))
    else:
        tell("tried", trial["id"], "passed", len(items), "")
        os._exit(PASSED)


def probe(trials: Sequence[dict[str, Any]], known: Known) -> None:
    """What the program as it was and those that pass answer to the calls of the tests, and to others."""
    if not trials:
        return
    inputs = bloomery_inputs.inputs_of(JOB, known)
    for place, (kind, _, _) in enumerate(inputs):
        tell("input", place, kind)
    for trial in (ORIGINAL, *trials):
        in_child(partial(answers, trial, inputs, known), 3 * JOB["cpu_s"])


def answers(trial: dict[str, Any], inputs: Sequence[Any], known: Known) -> None:
    if not swap(trial, known):
        return
    for place, (_, name, packed) in enumerate(inputs):
        Steps.left = JOB["limit"]
        said = bloomery_inputs.answer(known[name][0], packed, OutOfSteps)
        tell("answer", trial["id"], place, *said, JOB["limit"] - max(Steps.left, 0))
