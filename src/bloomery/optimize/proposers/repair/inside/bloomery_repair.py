"""Runs inside the sandbox: loads the tests once, then tries each candidate in a fork of itself.

argv[1] names the job, a JSON file: `task` (survey, try), `project`, `roots`, `tests` (pytest's
arguments), `target` (the file under repair), `code` (its compiled, step-counting text), `order` (node ids),
`limit` and `trace` (steps of one test, and of a traced one), `cpu_s`, `trials`. What is found is written to
the first stdout as JSON lines; whatever the project prints goes nowhere. It imports nothing of Bloomery but
the modules beside it.
"""

import base64
import builtins
import gc
import hashlib
import json
import marshal
import os
import random
import re
import resource
import signal
import sys
from collections.abc import Callable, Sequence
from functools import partial
from importlib.machinery import SourceFileLoader
from pathlib import Path
from types import CodeType, FunctionType
from typing import Any

import bloomery_inputs
import bloomery_tracing
import pytest
from _pytest.outcomes import Skipped

JOB: dict[str, Any] = json.loads(Path(sys.argv[1]).read_text())
TARGET = os.path.realpath(JOB["target"])
AT_IMPORT_STEPS = 20_000_000
WALL_MORE_S = 5.0
SHARED = 24
PASSED = 3
ORIGINAL = {"id": -1, "codes": []}
TEARDOWN_STEPS = 100_000
OUT = os.dup(1)
Known = dict[str, list[FunctionType]]
ADDRESS = re.compile(r"0x[0-9a-f]{6,}")


class OutOfSteps(BaseException):
    """The count of steps is used up."""


class Steps:
    """How many steps are left, and what happens when none is."""

    left = AT_IMPORT_STEPS
    at_end = 0
    ended: Callable[[], None]

    @staticmethod
    def used() -> int:
        """By the last test, what takes it down left out."""
        return int(JOB["limit"]) - max(Steps.at_end, 0)


def step() -> bool:
    Steps.left -= 1
    if Steps.left < 0:
        Steps.ended()
    return True


def tell(*said: Any) -> None:
    line = json.dumps(said, default=str).encode() + b"\n"
    while line:
        line = line[os.write(OUT, line) :]


def give_up() -> None:
    raise OutOfSteps


Steps.ended = give_up
builtins.__bloomery_step__ = step  # type: ignore[attr-defined]
CODE = marshal.loads(base64.b64decode(JOB["code"]))
_load = SourceFileLoader.get_code
_names: list[str] = []


def _get_code(loader: SourceFileLoader, name: str) -> CodeType | None:
    if os.path.realpath(loader.path) != TARGET:
        return _load(loader, name)
    _names.append(name)
    return CODE


SourceFileLoader.get_code = _get_code  # type: ignore[method-assign, assignment]


def run_item(item: Any) -> None:
    """One test with its fixtures; raises what it raises."""
    if hasattr(item, "_initrequest"):
        item._initrequest()
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


def survey(items: Sequence[Any], _known: Known) -> None:
    for item in items:
        if item.get_closest_marker("xfail") or item.get_closest_marker("skip"):
            tell("test", item.nodeid, "skipped", 0, "", "")
            continue
        ended = in_child(partial(watch, item), JOB["cpu_s"])
        if ended:
            tell("test", item.nodeid, "failed", JOB["limit"], "", f"ended by signal {-ended}")
    if JOB["trace"]:
        trace(items)


def watch(item: Any) -> None:
    Steps.left = JOB["limit"]
    try:
        run_item(item)
        said = ("passed", Steps.used(), "", "")
    except Skipped:
        said = ("skipped", 0, "", "")
    except OutOfSteps:
        said = ("failed", JOB["limit"], "steps", "it ran out of steps")
    except BaseException as error:  # edge: a forked child; whatever the test raises is its outcome
        said = ("failed", Steps.used(), print_of(error), f"{type(error).__name__}: {error}"[:500])
    tell("test", item.nodeid, *said)


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


def functions() -> Known:
    """Every function object of the target, by qualified name."""
    found: Known = {}
    for one in gc.get_objects():
        if type(one) is FunctionType and os.path.realpath(one.__code__.co_filename) == TARGET:
            found.setdefault(one.__code__.co_qualname, []).append(one)
    return found


def swap(trial: dict[str, Any], known: Known) -> bool:
    """Whether the candidate is in place."""
    for text, kind in trial["codes"]:
        code = marshal.loads(base64.b64decode(text))
        done = swap_data(code) if kind == "data" else swap_functions(code, known, defaults=kind == "defaults")
        if not done:
            return False
    return True


def swap_functions(code: CodeType, known: Known, *, defaults: bool) -> bool:
    swapped = False
    waiting = [code]
    while waiting:
        one = waiting.pop()
        for function in known.get(one.co_qualname, ()):
            if one.co_freevars != function.__code__.co_freevars:
                continue
            function.__code__ = one
            swapped = True
            if defaults:
                swap_defaults(code, function)
        waiting += [constant for constant in one.co_consts if isinstance(constant, CodeType)]
    return swapped


def swap_defaults(code: CodeType, function: FunctionType) -> None:
    space = dict(function.__globals__)
    exec(code, space)
    made: Any = space
    for part in function.__code__.co_qualname.split("."):
        made = made[part] if isinstance(made, dict) else getattr(made, part)
    function.__defaults__, function.__kwdefaults__ = made.__defaults__, made.__kwdefaults__


def swap_data(code: CodeType) -> bool:
    """Assigns at the top of the module again; whoever imported the old value by its name gets the new one."""
    modules = [sys.modules[name] for name in _names if name in sys.modules]
    for module in modules:
        space = vars(module)
        before = dict(space)
        exec(code, space)
        for name, value in space.items():
            if name in before and before[name] is not value and not name.startswith("__"):
                for other in list(sys.modules.values()):
                    if getattr(other, "__dict__", {}).get(name) is before[name]:
                        setattr(other, name, value)
    return bool(modules)


def attempt_all(items: Sequence[Any], known: Known) -> None:
    """Each trial alone, but for those that the first test can turn down: many of them share a fork."""
    waiting = list(JOB["trials"])
    sharing = True
    found: dict[int, int] = {}
    while waiting:
        cost = waiting[0]["cost"]
        if any(earlier < cost for earlier in found.values()):
            tell("stopped")
            break
        chunk = [trial for trial in waiting[:SHARED] if trial["cost"] == cost]
        waiting = waiting[len(chunk) :]
        alone = [trial for trial in chunk if any(kind != "code" for _, kind in trial["codes"])]
        shared = [trial for trial in chunk if trial not in alone] if sharing else []
        turned_down = screen(shared, items[0], known) if shared else []
        sharing = sharing and (turned_down is not None or not shared)
        for trial in chunk:
            if trial["id"] not in (turned_down or ()):
                ended = in_child(partial(attempt, trial, items, known), JOB["cpu_s"])
                if ended == PASSED:
                    found[trial["id"]] = cost
                elif ended:
                    tell("tried", trial["id"], "killed", -1, str(ended))
    passing = [trial for trial in JOB["trials"] if trial["id"] in found]
    probe(passing[: JOB["probed"]], known)


def screen(trials: Sequence[dict[str, Any]], item: Any, known: Known) -> list[int] | None:
    """The trials that fail the first test, tried one after the other in one fork.

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
            Steps.left = JOB["limit"]
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


class Session:
    """The plugin that does the job in the place of the tests' run."""

    @pytest.hookimpl(tryfirst=True)
    def pytest_runtestloop(self, session: pytest.Session) -> bool:
        items = {item.nodeid: item for item in session.items}
        wanted = JOB["order"]
        chosen = [items[node] for node in wanted if node in items] if wanted is not None else session.items
        tell("collected", len(session.items), bool(_names))
        known = functions()  # before they are frozen, which hides them
        gc.collect()
        gc.freeze()
        TASKS[JOB["task"]](chosen, known)
        used = resource.getrusage(resource.RUSAGE_SELF), resource.getrusage(resource.RUSAGE_CHILDREN)
        tell("used", *(one.ru_utime + one.ru_stime for one in used))
        return True

    def pytest_collectreport(self, report: pytest.CollectReport) -> None:
        if report.failed:
            tell("not collected", report.nodeid, str(report.longrepr)[-2000:])


TASKS: dict[str, Callable[[Sequence[Any], Known], None]] = {
    "survey": survey,
    "try": attempt_all,
}


def main() -> None:
    nowhere = os.open(os.devnull, os.O_RDWR)
    for descriptor in (0, 1, 2):
        os.dup2(nowhere, descriptor)
    os.chdir(JOB["project"])
    sys.path[1:1] = JOB["roots"]
    code = pytest.main([*JOB["options"], *JOB["tests"]], plugins=[Session()])
    tell("finished", int(code))


if __name__ == "__main__":
    main()
