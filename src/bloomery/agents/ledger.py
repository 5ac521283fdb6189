"""Where spending is recorded: the catalog's calls, or memory for tests and for work without a workspace."""

import threading
from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime
from typing import Protocol

from bloomery.core.catalog.calls import CallRecord, CallState, SpendLimit, Spent, check_limit
from bloomery.core.errors import Failure


class Ledger(Protocol):
    """Sets money and tokens aside before a call, and settles after it; `bloomery.core.catalog.Calls` is one.

    `reserve` is atomic: of callers at the same time, no two get what is left for one. Raises: LimitReached.
    """

    def reserve(
        self, *, scope: str, purpose: str, model: str, tokens: int, cost_pico: int,
        limits: Sequence[SpendLimit],
    ) -> int: ...  # fmt: skip

    def settle(
        self, call: int, state: CallState, *, tokens: int, cost_pico: int,
        input_tokens: int | None = None, output_tokens: int | None = None, reason: str = "",
    ) -> None: ...  # fmt: skip

    def keep_answer(self, call: int, key: str, cid: str) -> None: ...

    def find_answer(self, key: str) -> str | None: ...

    def reused(self, *, scope: str, purpose: str, model: str, key: str, answer: str) -> None: ...

    def spent(self, limit: SpendLimit) -> Spent: ...

    def all(self, *, since: datetime | None = None, scope: str | None = None) -> list[CallRecord]: ...


class MemoryLedger:
    """A ledger that is gone with its process; threads may share it."""

    def __init__(self) -> None:
        self._calls: list[CallRecord] = []
        self._lock = threading.Lock()

    def reserve(
        self, *, scope: str, purpose: str, model: str, tokens: int, cost_pico: int,
        limits: Sequence[SpendLimit],
    ) -> int:  # fmt: skip
        with self._lock:
            for limit in limits:
                check_limit(limit, self._spent(limit), tokens, cost_pico)
            return self._add(scope, purpose, model, "reserved", tokens, cost_pico)

    def settle(
        self, call: int, state: CallState, *, tokens: int, cost_pico: int,
        input_tokens: int | None = None, output_tokens: int | None = None, reason: str = "",
    ) -> None:  # fmt: skip
        with self._lock:
            if self._calls[call].state != "reserved":
                raise Failure(f"call {call} has no open reservation: settled already")
            self._calls[call] = replace(
                self._calls[call], state=state, tokens=tokens, cost_pico=cost_pico,
                input_tokens=input_tokens, output_tokens=output_tokens, reason=reason,
            )  # fmt: skip

    def keep_answer(self, call: int, key: str, cid: str) -> None:
        with self._lock:
            self._calls[call] = replace(self._calls[call], key=key, answer=cid)

    def find_answer(self, key: str) -> str | None:
        return next((one.answer for one in reversed(self._calls) if one.key == key and one.answer), None)

    def reused(self, *, scope: str, purpose: str, model: str, key: str, answer: str) -> None:
        with self._lock:
            call = self._add(scope, purpose, model, "cached", 0, 0)
            self._calls[call] = replace(self._calls[call], key=key, answer=answer)

    def spent(self, limit: SpendLimit) -> Spent:
        with self._lock:
            return self._spent(limit)

    def all(self, *, since: datetime | None = None, scope: str | None = None) -> list[CallRecord]:
        return [
            one
            for one in self._calls
            if (since is None or one.at >= since) and (scope is None or one.scope == scope)
        ]

    def _spent(self, limit: SpendLimit) -> Spent:
        calls = self.all(since=limit.since, scope=limit.scope)
        return Spent(sum(one.tokens for one in calls), sum(one.cost_pico for one in calls))

    def _add(
        self, scope: str, purpose: str, model: str, state: CallState, tokens: int, cost_pico: int
    ) -> int:
        call = CallRecord(
            id=len(self._calls), at=datetime.now(UTC), scope=scope, purpose=purpose, model=model, state=state,
            tokens=tokens, cost_pico=cost_pico, input_tokens=None, output_tokens=None, key="", answer=None,
            reason="",
        )  # fmt: skip
        self._calls.append(call)
        return len(self._calls) - 1
