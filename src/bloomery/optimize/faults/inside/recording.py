"""Calls that come from outside into the module under test: how each ended, and what it left behind."""

import dis
import functools
import gc
import inspect
import signal
import sys
import threading
import traceback
import types
import warnings
from collections.abc import Callable
from itertools import islice
from typing import Any

from clock import CLOCK
from encoding import named
from files import WATCHED
from injecting import INJECTOR
from patience import LOOK_S, PATIENCE
from pressing import Intruder, short_of_memory, starving
from telling import Careful, Loud, contents

MOST_ITEMS = 1000
WAIT_S = 5.0
RAISE = dis.opmap["RAISE_VARARGS"]
WATCHED_SPECIAL = frozenset({"__init__", "__call__", "__enter__", "__exit__", "__getitem__", "__setitem__"})


class Recorder:
    """The trial's job may ask for a call that is made twice (`again`), or that a second thread makes at the
    same time (`intruded`), after so many operations (`intrude`)."""

    def __init__(self, folder: str, job: dict) -> None:
        self.folder, self.job = folder, job
        self.calls: list[dict] = []
        self.inside = threading.local()
        self.loud = Loud()
        self.module: types.ModuleType | None = None
        self.errors_written = 0

    def wrapped(self, function: Any, name: str) -> Any:
        @functools.wraps(function)
        def outermost(*args: Any, **kwargs: Any) -> Any:
            elsewhere = threading.current_thread() is not threading.main_thread()
            if elsewhere or getattr(self.inside, "depth", False) or not INJECTOR.active:
                return function(*args, **kwargs)
            if inspect.isgeneratorfunction(function):
                return iter(
                    self.call(lambda: [*islice(function(*args, **kwargs), MOST_ITEMS)], name, args[:1])
                )
            return self.call(lambda: function(*args, **kwargs), name, args[:1])

        return outermost

    def call(self, call: Callable[[], Any], name: str, owner: tuple = ()) -> Any:
        record: dict[str, Any] = {"name": name, "fired": len(INJECTOR.fired)}
        record.update(start=self.files(), crossed=len(INJECTOR.crossings))
        self.calls.append(record)
        number = len(self.calls) - 1
        if self.job.get("intruded") == number:
            return self._intruded(call, record, owner)
        pressed = [one for one in INJECTOR.faults if one["seam"] == "limit" and one["at"] == number]
        if pressed:
            INJECTOR.fired.append(["limit", "address space", name, 0, ""])
        value, error = self._attempt(short_of_memory(call) if pressed else call, record)
        fired = len(INJECTOR.fired) > record["fired"]
        record["fired"] = [record["fired"], len(INJECTOR.fired)]
        if fired or self.job.get("again") == number:
            self._probe(call, record, owner)
        if error is not None:
            raise error
        return value

    def _probe(self, call: Callable[[], Any], record: dict, owner: tuple) -> None:
        """The same call once more, with no fault: it must do what it does otherwise."""
        faults, INJECTOR.faults = INJECTOR.faults, []
        hung, INJECTOR.hung = INJECTOR.hung, ""
        record["retry"] = {"name": record["name"]}
        if not hung:
            self._attempt(call, record["retry"])
            record["retry"]["memory"] = self.memory(owner)
            record["retry"]["hung"] = INJECTOR.hung
        INJECTOR.faults, INJECTOR.hung = faults, hung

    def _intruded(self, call: Callable[[], Any], record: dict, owner: tuple) -> Any:
        second: dict[str, Any] = {}
        record["fired"] = [record["fired"], record["fired"]]

        def other() -> None:
            self.inside.depth = True
            self._ended(call, second)

        intruder = Intruder(other, self.job["intrude"])
        with intruder:
            value, error = self._attempt(call, record)
        ended = intruder.wait(WAIT_S)
        second["files"] = self.files()
        second["memory"] = self.memory(owner)
        second["hung"] = "" if ended else "both wait for each other"
        record["operations"] = intruder.count
        if intruder.thread is not None:
            INJECTOR.fired.append(["thread", "comes between", *intruder.place])
            record["fired"][1] += 1
        record["retry"] = second
        if error is not None:
            raise error
        return value

    def _attempt(self, call: Callable[[], Any], record: dict) -> tuple[Any, BaseException | None]:
        heard, slept, held = self._told(), CLOCK.slept, set(WATCHED.open)
        handles, WATCHED.collected = set(WATCHED.raw), []
        self.inside.depth = True
        PATIENCE.begin()
        signal.setitimer(signal.ITIMER_REAL, LOOK_S, LOOK_S)
        if self.job.get("memory"):
            sys.setprofile(starving)
        try:
            value, error = self._ended(call, record)
        finally:
            sys.setprofile(None)
            signal.setitimer(signal.ITIMER_REAL, 0)
            self.inside.depth = False
        record["slept"] = CLOCK.slept - slept
        record["told"] = self._told() > heard
        if error is not None:
            _forget(error)
        gc.collect()
        record["files"] = self.files()
        record["collected"] = list(WATCHED.collected)
        record["handles"] = sorted(str(WATCHED.raw[one]) for one in set(WATCHED.raw) - handles)
        record["open"] = len(WATCHED.open - held)
        return value, error

    def _ended(self, call: Callable[[], Any], record: dict) -> tuple[Any, BaseException | None]:
        try:
            value = call()
        except BaseException as error:  # edge: the sandbox, inside; whatever is raised is what was observed
            record.update(outcome="raised", **_described(error))
            return None, error
        if inspect.iscoroutine(value):
            import asyncio

            return self._ended(lambda: asyncio.run(value), record)
        record.update(outcome="returned", value=Careful().encode(value))
        return value, None

    def _told(self) -> int:
        return self.loud.heard + self.errors_written

    def files(self) -> dict[str, str]:
        """All files in the folder, by path."""
        INJECTOR.busy, was = True, INJECTOR.busy
        try:
            return contents(self.folder)
        finally:
            INJECTOR.busy = was

    def memory(self, owner: tuple) -> Any:
        """What the module and the object of the method hold."""
        plain = (int, float, str, list, dict, set, tuple, bytes, frozenset)
        names = sorted(vars(self.module)) if self.module else []
        held = [[n, getattr(self.module, n)] for n in names if not n.startswith("__")]
        held = [[n, v] for n, v in held if isinstance(v, plain) or _own(v, self.module)]
        own = [one for one in owner if _own(one, self.module)]
        return Careful().encode([held, own])


def _own(value: Any, module: types.ModuleType | None) -> bool:
    return module is not None and type(value).__module__ == module.__name__ and hasattr(value, "__dict__")


def _described(error: BaseException) -> dict[str, Any]:
    trace = error.__traceback__
    last = None
    while trace is not None:
        last, trace = trace, trace.tb_next
    said = False
    if last is not None and last.tb_frame.f_code.co_filename in INJECTOR.files:
        said = last.tb_frame.f_code.co_code[last.tb_lasti] == RAISE
    chain: list[str] = []
    cause = error.__cause__ or error.__context__
    while cause is not None and len(chain) < 9:
        chain.append(named(type(cause)))
        cause = cause.__cause__ or cause.__context__
    kinds = [named(one) for one in type(error).__mro__]
    return {"kinds": kinds, "words": str(error)[:200], "said": said, "chain": chain}


def _forget(error: BaseException) -> None:
    """Lets go of what the frames of a traceback hold."""
    seen: BaseException | None = error
    while seen is not None:
        traceback.clear_frames(seen.__traceback__)
        seen = seen.__cause__ or seen.__context__


def watch(module: types.ModuleType, recorder: Recorder) -> None:
    """Every function and method of the module tells the recorder when it is called from outside."""
    recorder.module = module
    for name, value in list(vars(module).items()):
        if getattr(value, "__module__", None) != module.__name__:
            continue
        if isinstance(value, types.FunctionType):
            setattr(module, name, recorder.wrapped(value, name))
        elif isinstance(value, type):
            _watch_class(value, recorder)


def _watch_class(kind: type, recorder: Recorder) -> None:
    for name, value in list(vars(kind).items()):
        inner = value.__func__ if isinstance(value, (staticmethod, classmethod)) else value
        if not isinstance(inner, types.FunctionType) or (name[:2] == "__" and name not in WATCHED_SPECIAL):
            continue
        made = recorder.wrapped(inner, f"{kind.__qualname__}.{name}")
        setattr(kind, name, type(value)(made) if inner is not value else made)


def quiet() -> None:
    warnings.simplefilter("ignore")
