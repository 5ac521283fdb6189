"""What can be seen of one case: what came back, its type, and what is another afterwards.

Runs behind the sandbox's walls; standard library only.
"""

import asyncio
import dis
import importlib
import inspect
import itertools
import json
import os
import signal
import sys
import types
from collections.abc import Callable
from typing import Any

from bloomery_expressions import Speaker, Unspeakable, loosely

STREAM = 50
WALL_S = 5.0


class TooLong(BaseException):
    """A case took more than it may."""


class Counting:
    """Notes the lines of one file that run, and ends what runs too many of them."""

    def __init__(self, path: str, most: int) -> None:
        self.path, self.most = os.path.realpath(path), most
        self.known: dict[str, bool] = {}
        self.lines: set[int] = set()
        self.steps = 0

    def start(self) -> None:
        self.lines, self.steps = set(), 0
        sys.settrace(self._enter)

    def _enter(self, frame: types.FrameType, event: str, given: Any) -> Any:
        name = frame.f_code.co_filename
        if name not in self.known:
            self.known[name] = os.path.realpath(name) == self.path
        return self._step if self.known[name] else None

    def _step(self, frame: types.FrameType, event: str, given: Any) -> Any:
        if event == "line":
            self.lines.add(frame.f_lineno)
            self.steps += 1
            if self.steps > self.most:
                raise TooLong
        return self._step


def with_timer(cpu_s: float, work: Callable[[], Any], *, wall_s: float = WALL_S) -> Any:
    """Raises: TooLong."""

    def end(*_: Any) -> None:
        raise TooLong

    signal.signal(signal.SIGVTALRM, end)
    signal.signal(signal.SIGALRM, end)
    signal.setitimer(signal.ITIMER_VIRTUAL, cpu_s)
    signal.setitimer(signal.ITIMER_REAL, wall_s)
    try:
        return work()
    finally:
        signal.setitimer(signal.ITIMER_VIRTUAL, 0)
        signal.setitimer(signal.ITIMER_REAL, 0)


def seen_in(module: types.ModuleType, case: dict, counting: Counting | None, cpu_s: float) -> dict[str, Any]:
    """`value`: what `==` sees; `type`: what else; `after`: watched names; the rest is for writing."""
    space = {**_names(case["needs"]), **vars(module)}
    before: dict[str, Any] = {}
    outcome: dict[str, Any] = {}

    def work() -> None:
        for statement in case["setup"]:
            exec(compile(statement, "<case>", "exec"), space)
        before.update({name: watched(space[name], module) for name in case["watched"] if name in space})
        outcome["called"] = True
        value = eval(compile(case["call"], "<case>", "eval"), space)
        outcome["value"], outcome["stream"] = streamed(value)

    try:
        if counting:
            counting.start()
        with_timer(cpu_s, work)
    except TooLong:
        return {"state": "lost", "value": "lost"}
    except BaseException as error:  # edge: the sandbox, inside; whatever is raised is what was observed
        sys.settrace(None)
        return _raised(error, module, space, before, early="called" not in outcome)
    finally:
        sys.settrace(None)
    seen = returned(outcome["value"], outcome["stream"], module)
    return {**seen, **_after(space, before, module)}


def _names(needs: dict[str, str]) -> dict[str, Any]:
    """What the expressions of a case name and the module may not: `Path`, `Decimal`, others' classes."""
    found = {}
    for name, home in needs.items():
        module = importlib.import_module(home)
        found[name] = module if name == home else getattr(module, name)
    return found


def streamed(value: Any) -> tuple[Any, bool]:
    """What is drawn from an iterator instead of it, and whether it was one."""
    if inspect.iscoroutine(value):
        return asyncio.run(value), False
    if hasattr(type(value), "__next__") and hasattr(type(value), "__iter__"):
        return list(itertools.islice(value, STREAM)), True
    return value, False


def returned(value: Any, stream: bool, module: types.ModuleType) -> dict[str, Any]:
    speaker = Speaker(module.__name__)
    kind = type(value)
    seen: dict[str, Any] = {
        "state": "returned",
        "stream": stream,
        "kind": kind.__qualname__,
        "home": kind.__module__,
    }
    try:
        seen["text"] = speaker.say(value)
        seen["value"] = loosely(value) if not isinstance(value, bool | None) else repr(value)
        seen["type"] = f"{kind.__qualname__} {seen['text']}"
        seen["attributes"] = {} if kind.__module__ == "builtins" else attributes(value, speaker)
    except Unspeakable:
        seen["attributes"] = attributes(value, speaker)
        seen["value"] = json.dumps([kind.__qualname__, sorted(seen["attributes"].items())])
    return {**seen, "needs": speaker.needs}


def attributes(value: Any, speaker: Speaker) -> dict[str, str]:
    """The public plain attributes of an object, as expressions."""
    names = [name for name in dir(type(value)) if isinstance(getattr(type(value), name, None), property)]
    found = {}
    for name in sorted({*getattr(value, "__dict__", {}), *getattr(type(value), "__slots__", ()), *names}):
        if name.startswith("_"):
            continue
        try:
            found[name] = speaker.say(getattr(value, name))
        except Unspeakable:
            continue
        except Exception:  # edge: the sandbox, inside; a property may raise anything
            continue
    return found


def watched(value: Any, module: types.ModuleType) -> Any:
    """How a name looks: its expression, or the public attributes of an object, or nothing."""
    speaker = Speaker(module.__name__)
    try:
        return speaker.say(value)
    except Unspeakable:
        if hasattr(type(value), "__next__") or callable(value):
            return None
        return attributes(value, speaker)


def _after(space: dict, before: dict[str, Any], module: types.ModuleType) -> dict[str, Any]:
    now = {name: watched(space[name], module) for name in before}
    changed = [name for name in before if now[name] != before[name]]
    return {"after": now, "changed": changed, "before": {name: before[name] for name in changed}}


def _raised(
    error: BaseException, module: types.ModuleType, space: dict, before: dict, *, early: bool
) -> dict[str, Any]:
    """`said`: a `raise` of the module under test chose it; `early`: the case did not get to its call."""
    trace, last = error.__traceback__, None
    while trace is not None:
        last, trace = trace, trace.tb_next
    said = last is not None and last.tb_frame.f_code.co_filename == module.__file__ and _raises(last)
    kind = type(error)
    name = kind.__qualname__
    seen = {"state": "early" if early else "raised", "kind": name, "home": kind.__module__, "said": said}
    return {
        **seen,
        "value": f"raised {kind.__module__}.{name}",
        "needs": {},
        **_after(space, before, module),
    }


def _raises(last: types.TracebackType) -> bool:
    return dis.opname[last.tb_frame.f_code.co_code[last.tb_lasti]] in ("RAISE_VARARGS", "RERAISE")
