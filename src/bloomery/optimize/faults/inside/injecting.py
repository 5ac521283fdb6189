"""Where the module under test meets the world, counted; and what is made to go wrong there.

A crossing is one call of a seam with a frame of the module under test on the stack. Crossings are counted by
seam, so that a fault can name the n-th one.
"""

import errno
import os
import socket
import sys
from collections import Counter
from types import FrameType
from typing import Any

NOT_THEIRS = ("/logging/__init__.py", "/linecache.py", "/tokenize.py", "/traceback.py", "/warnings.py")
CHANGING = frozenset({"open to write", "write", "sync", "rename", "remove", "mkdir"})
"""Between two of these a process may be killed."""
KILLED = 86
NEVER = 1000
"""A seam crossed so often in one trial is a loop that does not end."""


class Hung(BaseException):
    """What waits for ever is ended by this."""


class Injector:
    """Counts crossings and says which fault, if any, strikes at this one."""

    def __init__(self) -> None:
        self.files: frozenset[str] = frozenset()
        self.begin([])
        self.active = False

    def begin(self, faults: list[dict]) -> None:
        self.faults = faults
        self.counts: Counter[str] = Counter()
        self.crossings: list[list[Any]] = []
        self.fired: list[list[Any]] = []
        self.hung = ""
        self.busy = False
        self.active = True

    def cross(self, seam: str, detail: str = "") -> dict | None:
        frame = self.frame()
        return None if frame is None else self.crossed(seam, frame, detail)

    def crossed(self, seam: str, frame: FrameType, detail: str = "") -> dict | None:
        """The fault that strikes here; steps between which a kill is planned end the process."""
        number = self._count(seam)
        place = [frame.f_code.co_qualname, _line(frame), detail]
        self.crossings.append([seam, number, *place])
        if number > NEVER:
            raise self.hang(f"{seam} was tried more than {NEVER} times")
        if seam in CHANGING and (kill := self._planned("step", self._count("step"))):
            self._note(kill, place)
            os._exit(KILLED)
        fault = self._planned(seam, number)
        if fault:
            self._note(fault, place)
        return fault

    def _count(self, seam: str) -> int:
        number = self.counts[seam]
        self.counts[seam] += 1
        return number

    def _planned(self, seam: str, number: int) -> dict | None:
        for fault in self.faults:
            later = fault["lasting"] and number > fault["at"]
            if fault["seam"] == seam and (number == fault["at"] or later):
                return fault
        return None

    def _note(self, fault: dict, place: list) -> None:
        self.fired.append([fault["seam"], fault["kind"], *place])

    def frame(self) -> FrameType | None:
        """The innermost frame of the module under test; None where the call is not its own."""
        if not self.active or self.busy:
            return None
        frame: FrameType | None = sys._getframe(1)
        while frame is not None:
            name = frame.f_code.co_filename
            if name in self.files:
                return frame
            if name.endswith(NOT_THEIRS):
                return None
            frame = frame.f_back
        return None

    def place(self) -> tuple[str, int]:
        """Function and line of the module under test that are at work."""
        frame = self.frame()
        return ("", 0) if frame is None else (frame.f_code.co_qualname, _line(frame))

    def hang(self, why: str) -> Hung:
        """To be raised; told even where the program catches it."""
        self.hung = self.hung or why
        return Hung(why)


def _line(frame: FrameType) -> int:
    return frame.f_lineno or frame.f_code.co_firstlineno


def error(kind: str, path: object = None) -> BaseException:
    """What a fault of this kind raises."""
    if kind == "MemoryError":
        return MemoryError()
    if kind == "name":
        return socket.gaierror(socket.EAI_AGAIN, "Temporary failure in name resolution")
    number = getattr(errno, kind)
    words = os.strerror(number)
    return OSError(number, words) if path is None else OSError(number, words, path)


INJECTOR = Injector()
