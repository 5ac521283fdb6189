"""The rate limit: read from each answer, kept to before it is reached.

Source: docs.github.com, "Rate limits for the REST API" and "Best practices for using the REST API": a limit
is told by `x-ratelimit-*`; one that is exceeded by 403 or 429 with `x-ratelimit-remaining: 0` (primary) or
with `retry-after` or its name in the message (secondary); without either, wait a minute, then ever longer.
Between two changes lies a second. A 304 costs nothing.
"""

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from email.utils import parsedate_to_datetime

from bloomery.optimize.github.errors import LimitReached

SECONDARY_WAIT_S = 60.0


@dataclass(frozen=True)
class Pace:
    """How fast requests may follow each other. Clocks are handed in, so that tests need not wait.

    `reserve`: the share of the limit that is left to others. `slow_below`: the share of it that remains when
    requests begin to be spread over the time until the limit is renewed. `longest_s`: no wait is longer; what
    would take longer is not asked. `between_changes_s`: from one change to the next.
    """

    reserve: float = 0.02
    slow_below: float = 0.25
    longest_s: float = 60.0
    between_changes_s: float = 1.0
    now: Callable[[], float] = time.monotonic
    sleep: Callable[[float], None] = time.sleep


@dataclass
class Limits:
    """What GitHub said last of the limit, and what to do about it."""

    pace: Pace = field(default_factory=Pace)
    limit: int | None = None
    remaining: int | None = None
    renewed_at: float = 0.0  # by the pace's clock
    blocked_until: float = 0.0
    waited_s: float = 0.0
    last_change: float | None = None

    @property
    def reserved(self) -> int:
        return int((self.limit or 0) * self.pace.reserve)

    @property
    def spare(self) -> int | None:
        """How many requests may still be made before the limit is near; None: not known yet."""
        if self.remaining is None or self.pace.now() >= self.renewed_at:
            return None
        return max(0, self.remaining - self.reserved)

    def read(self, headers: Mapping[str, str]) -> None:
        """Take note of an answer's headers; those of another resource (search) are not ours."""
        if headers.get("x-ratelimit-resource", "core") != "core":
            return
        values = [_number(headers.get(f"x-ratelimit-{name}")) for name in ("limit", "remaining", "reset")]
        limit, remaining, reset = values
        if limit is None or remaining is None or reset is None:
            return
        self.limit, self.remaining = limit, remaining
        self.renewed_at = self.pace.now() + max(0.0, reset - _sent_at(headers))

    def before(self, *, change: bool) -> None:
        """Wait as long as it takes to keep to the limit.

        Raises: LimitReached where that is longer than the pace allows.
        """
        now = self.pace.now()
        if now < self.blocked_until:
            self.wait(self.blocked_until - now, "GitHub asked us to wait")
        if (pause := self._pause()) > 0:
            self.wait(pause, f"{self.remaining} of {self.limit} requests are left")
        if change:
            self._space_changes()

    def refused(self, headers: Mapping[str, str], said: str, attempt: int) -> bool:
        """Whether a 403 or 429 was about a limit; if so, no request is made until it is over."""
        self.read(headers)
        if (after := _number(headers.get("retry-after"))) is not None:
            wait_s = float(after)
        elif headers.get("x-ratelimit-remaining") == "0":
            wait_s = max(1.0, self.renewed_at - self.pace.now())
        elif "rate limit" in said.lower() or "abuse" in said.lower():
            wait_s = SECONDARY_WAIT_S * 2**attempt
        else:
            return False
        self.blocked_until = self.pace.now() + wait_s
        return True

    def wait(self, seconds: float, why: str) -> None:
        """Raises: LimitReached for more than the pace allows."""
        if seconds > self.pace.longest_s:
            raise LimitReached(f"{why}: {_told(seconds)} to wait before GitHub may be asked again", seconds)
        self.waited_s += seconds
        self.pace.sleep(seconds)

    def _pause(self) -> float:
        """Seconds between requests that spread what is left until the limit is renewed."""
        spare = self.spare
        if spare is None or self.limit is None or self.remaining is None:
            return 0.0
        left_s = self.renewed_at - self.pace.now()
        if spare == 0:
            return left_s
        return left_s / spare if self.remaining < self.limit * self.pace.slow_below else 0.0

    def _space_changes(self) -> None:
        if self.last_change is not None:
            pause = self.last_change + self.pace.between_changes_s - self.pace.now()
            if pause > 0:
                self.wait(pause, "changes are made one a second")
        self.last_change = self.pace.now()


def _number(text: str | None) -> int | None:
    return int(text) if text is not None and text.strip().isdigit() else None


def _sent_at(headers: Mapping[str, str]) -> float:
    """GitHub's own clock, so that ours may be wrong."""
    try:
        return parsedate_to_datetime(headers["date"]).timestamp()
    except (KeyError, ValueError):
        return time.time()


def _told(seconds: float) -> str:
    return f"{seconds:.0f} s" if seconds < 120 else f"{seconds / 60:.0f} min"
