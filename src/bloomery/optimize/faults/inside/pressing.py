"""Memory that runs out at the n-th call that needs much, and threads that come between two operations."""

import resource
import sys
import threading
from collections.abc import Callable
from types import CodeType, FrameType
from typing import Any

from injecting import INJECTOR

HUNGRY = frozenset({
    "append", "copy", "decode", "deepcopy", "dump", "dumps", "encode", "extend", "format", "join", "load",
    "loads", "read", "read_bytes", "read_text", "readline", "readlines", "replace", "sorted", "split",
    "splitlines", "update",
})  # fmt: skip
LITTLE = 2**20
JOIN_S = 0.1
"""So long an intruder is waited for; one that needs a lock gets it later."""


def starving(frame: FrameType, event: str, argument: Any) -> None:
    """A profile function. Raises: MemoryError in the module under test where it is planned."""
    if event == "c_call":
        caller, name = frame, getattr(argument, "__name__", "")
    elif event == "call" and frame.f_back is not None:
        caller, name = frame.f_back, frame.f_code.co_name
    else:
        return
    if name not in HUNGRY or caller.f_code.co_filename not in INJECTOR.files:
        return
    if INJECTOR.active and not INJECTOR.busy and INJECTOR.crossed("memory", caller, name):
        raise MemoryError


def short_of_memory(call: Callable[[], Any]) -> Callable[[], Any]:
    """The call with hardly more address space than there is already."""

    def limited() -> Any:
        with open("/proc/self/statm") as file:  # noqa: PTH123
            used = int(file.read().split()[0]) * resource.getpagesize()
        soft, hard = resource.getrlimit(resource.RLIMIT_AS)
        resource.setrlimit(resource.RLIMIT_AS, (used + LITTLE, hard))
        try:
            return call()
        finally:
            resource.setrlimit(resource.RLIMIT_AS, (soft, hard))

    return limited


class Intruder:
    """Runs the same call in another thread when the first has come to its n-th operation."""

    def __init__(self, call: Callable[[], Any], at: int | None) -> None:
        self.call, self.at = call, at
        self.count = 0
        self.thread: threading.Thread | None = None
        self.result: Any = None
        self.place: list[Any] = []

    def trace(self, frame: FrameType, event: str, argument: Any) -> Any:
        if frame.f_code.co_filename not in INJECTOR.files:
            return None
        frame.f_trace_opcodes = True
        frame.f_trace_lines = False
        return self._step

    def _step(self, frame: FrameType, event: str, argument: Any) -> Any:
        if event == "opcode":
            if self.count == self.at:
                self.place = [_named(frame.f_code), frame.f_lineno or frame.f_code.co_firstlineno, ""]
                self._start()
            self.count += 1
        return self._step

    def _start(self) -> None:
        self.thread = threading.Thread(target=self._run, daemon=True)
        self.thread.start()
        self.thread.join(JOIN_S)

    def _run(self) -> None:
        self.result = self.call()

    def __enter__(self) -> "Intruder":
        sys.settrace(self.trace)
        return self

    def __exit__(self, *raised: object) -> None:
        sys.settrace(None)

    def wait(self, seconds: float) -> bool:
        """Whether the other call ended."""
        if self.thread is not None:
            self.thread.join(seconds)
        return self.thread is None or not self.thread.is_alive()


def _named(code: CodeType) -> str:
    return code.co_qualname
