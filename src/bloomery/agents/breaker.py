"""A circuit breaker: a model that fails again and again is left alone for a while, then tried once."""

import threading
import time
from collections.abc import Callable
from dataclasses import dataclass


@dataclass
class _Health:
    failures: int = 0
    closed_again_at: float = 0.0
    reason: str = ""


class Breaker:
    """Which models are left alone, and why; one that is shut for good stays so until the next opening."""

    def __init__(self, failures: int, rest_s: float, clock: Callable[[], float] = time.monotonic) -> None:
        self._limit, self._rest_s, self._clock = failures, rest_s, clock
        self._models: dict[str, _Health] = {}
        self._lock = threading.Lock()

    def why_not(self, model: str) -> str:
        """Why this model is left alone now; empty where it may be asked."""
        with self._lock:
            health = self._models.get(model, _Health())
            if self._clock() >= health.closed_again_at:
                return ""
            return health.reason

    def succeeded(self, model: str) -> None:
        with self._lock:
            self._models.pop(model, None)

    def failed(self, model: str, reason: str, *, rest_s: float = 0.0) -> None:
        """Counts a failure; at the limit, or where the provider names a pause, the model rests."""
        with self._lock:
            health = self._models.setdefault(model, _Health())
            health.failures += 1
            rest = max(rest_s, self._rest_s if health.failures >= self._limit else 0.0)
            if rest > 0:
                health.closed_again_at = self._clock() + rest
                health.reason = f"left alone for {rest:g} s after {health.failures} failures: {reason}"

    def shut(self, model: str, reason: str) -> None:
        """Never again in this session: another attempt cannot help."""
        with self._lock:
            self._models[model] = _Health(self._limit, float("inf"), reason)
