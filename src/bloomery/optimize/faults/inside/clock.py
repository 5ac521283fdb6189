"""Time that passes without waiting: to sleep moves all clocks on, and a fault sets the wall clock."""

import datetime
import time
from typing import Any

from injecting import INJECTOR

PATIENCE_S = 3600.0
"""Who sleeps longer than this in one trial does not end within any time that is meant."""
JUMPS = {"an hour back": -3600.0, "a day forward": 86400.0}
BEGINNING, TICK = 1_767_225_600.0, 1e-6
"""The wall clock is the same in each trial, so that what is written with a time in it can be compared."""
REAL = {name: getattr(time, name) for name in ("time", "monotonic", "perf_counter", "sleep")}
REAL_DATETIME = datetime.datetime


class Clock:
    def __init__(self) -> None:
        self.begin()

    def begin(self) -> None:
        self.slept = self.jumped = 0.0
        self.asked = 0

    def sleep(self, seconds: float) -> None:
        if seconds < 0:
            raise ValueError("sleep length must be non-negative")
        REAL["sleep"](0)
        self.wait(seconds)

    def wait(self, seconds: float) -> None:
        """Raises: Hung, where this is longer than anybody waits."""
        self.slept += seconds
        if self.slept > PATIENCE_S:
            raise INJECTOR.hang(f"it waited for more than {PATIENCE_S:.0f} s")

    def monotonic(self) -> float:
        return float(REAL["monotonic"]()) + self.slept

    def perf_counter(self) -> float:
        return float(REAL["perf_counter"]()) + self.slept

    def time(self) -> float:
        fault = INJECTOR.cross("clock")
        if fault:
            self.jumped = JUMPS[fault["kind"]]
        self.asked += 1
        return BEGINNING + self.slept + self.jumped + self.asked * TICK


CLOCK = Clock()


class _Meta(type):
    def __instancecheck__(cls, instance: object) -> bool:
        return isinstance(instance, REAL_DATETIME)


class Datetime(REAL_DATETIME, metaclass=_Meta):
    """`datetime` by our clock."""

    @classmethod
    def now(cls, tz: Any = None) -> Any:
        return REAL_DATETIME.fromtimestamp(CLOCK.time(), tz)

    @classmethod
    def utcnow(cls) -> Any:
        return REAL_DATETIME.fromtimestamp(CLOCK.time(), datetime.UTC).replace(tzinfo=None)


def install() -> None:
    patched: Any = time
    for name in REAL:
        setattr(patched, name, getattr(CLOCK, name))
    patched.time_ns = lambda: int(CLOCK.time() * 1e9)
    patched.monotonic_ns = lambda: int(CLOCK.monotonic() * 1e9)
    patched.perf_counter_ns = lambda: int(CLOCK.perf_counter() * 1e9)
    dates: Any = datetime
    dates.datetime = Datetime
