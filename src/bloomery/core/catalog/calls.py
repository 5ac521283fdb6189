"""What was asked of language models, and what it cost: reserved before a call, settled after it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Literal

from sqlalchemy import (
    BigInteger,
    Column,
    ColumnElement,
    Connection,
    Index,
    Row,
    String,
    Table,
    Text,
    func,
    insert,
    select,
    true,
    update,
)

from bloomery.core.catalog.connection import Database, alone
from bloomery.core.catalog.tables import Id, Utc, metadata
from bloomery.core.errors import Failure, UserError

CallState = Literal["reserved", "settled", "refused", "unknown", "cached"]
_LOCK = 0x73706E64  # an arbitrary number that all our processes agree on

model_calls = Table(
    "model_calls",
    metadata,
    Column("id", Id, primary_key=True),
    Column("at", Utc, nullable=False),
    Column("scope", String, nullable=False),  # a run, an agent; no foreign key: what was paid outlives them
    Column("purpose", String, nullable=False),
    Column("model", String, nullable=False),
    Column("state", String, nullable=False),
    Column("tokens", BigInteger, nullable=False),
    Column("cost_pico", BigInteger, nullable=False),  # so that a token's price is a whole number
    Column("input_tokens", BigInteger),
    Column("output_tokens", BigInteger),
    Column("key", String, nullable=False),
    Column("answer", String),
    Column("reason", Text, nullable=False),
    Index(None, "at"),
    Index(None, "key"),
)


@dataclass(frozen=True, kw_only=True)
class CallRecord:
    """One request to a model; `cost_pico` is in millionths of a millionth of a dollar.

    A call that is `reserved` counts with its bound: it is under way, or its process died. So does `unknown`:
    nobody knows whether it was billed. `refused` and `cached` cost nothing.
    """

    id: int
    at: datetime
    scope: str
    purpose: str
    model: str
    state: CallState
    tokens: int
    cost_pico: int
    input_tokens: int | None
    output_tokens: int | None
    key: str
    answer: str | None
    reason: str


@dataclass(frozen=True, kw_only=True)
class SpendLimit:
    """What may be spent on calls since a moment (None: ever), within a scope (None: any)."""

    name: str
    tokens: int | None = None
    cost_pico: int | None = None
    since: datetime | None = None
    scope: str | None = None


@dataclass(frozen=True)
class Spent:
    """What calls have cost, open reservations with their bounds."""

    tokens: int
    cost_pico: int


class LimitReached(UserError):
    """A call whose bound does not fit into what is left of a limit; it was not made."""

    def __init__(self, limit: SpendLimit, spent: Spent, tokens: int, cost_pico: int) -> None:
        self.limit, self.spent = limit, spent
        if limit.cost_pico is not None and spent.cost_pico + cost_pico > limit.cost_pico:
            told = f"{dollars(limit.cost_pico)}: {dollars(spent.cost_pico)} spent, up to {dollars(cost_pico)}"
        else:
            told = f"{limit.tokens} tokens: {spent.tokens} spent, up to {tokens}"
        super().__init__(
            f"the budget '{limit.name}' does not cover this call ({told} needed); raise it, or ask for less"
        )


def dollars(pico: int) -> str:
    return f"${pico / 10**12:.6f}".rstrip("0").rstrip(".")


class Calls:
    """The catalog's record of calls; many processes may reserve at once and never exceed a limit together."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def reserve(
        self, *, scope: str, purpose: str, model: str, tokens: int, cost_pico: int,
        limits: Sequence[SpendLimit],
    ) -> int:  # fmt: skip
        """Sets the bound of a call aside in one transaction and returns the call's number.

        Raises: LimitReached where one of the limits does not cover it; then nothing is recorded.
        """
        if tokens < 0 or cost_pico < 0:
            raise ValueError(f"a bound is not negative; got {tokens} tokens and {cost_pico} picodollars")
        row = _row(scope, purpose, model, "reserved", tokens=tokens, cost_pico=cost_pico)
        with alone(self._database, _LOCK) as connection:
            for limit in limits:
                check_limit(limit, _spent(connection, limit), tokens, cost_pico)
            return _insert(connection, row)

    def settle(
        self, call: int, state: CallState, *, tokens: int, cost_pico: int,
        input_tokens: int | None = None, output_tokens: int | None = None, reason: str = "",
    ) -> None:  # fmt: skip
        """Puts what a call really cost in the place of its reservation. Raises: Failure if it has none."""
        values = {
            "state": state, "tokens": tokens, "cost_pico": cost_pico, "input_tokens": input_tokens,
            "output_tokens": output_tokens, "reason": reason,
        }  # fmt: skip
        open_call = (model_calls.c.id == call) & (model_calls.c.state == "reserved")
        with self._database.writing() as connection:
            changed = connection.execute(update(model_calls).where(open_call).values(values))
        if not changed.rowcount:
            raise Failure(
                f"call {call} has no open reservation in {self._database.name}: it was settled already"
            )

    def keep_answer(self, call: int, key: str, cid: str) -> None:
        """Notes where the store keeps what this call answered, to be found again by `key`."""
        with self._database.writing() as connection:
            connection.execute(
                update(model_calls).where(model_calls.c.id == call).values(key=key, answer=cid)
            )

    def find_answer(self, key: str) -> str | None:
        """The CID of the newest answer under this key."""
        query = select(model_calls.c.answer).where(
            model_calls.c.key == key, model_calls.c.answer.is_not(None)
        )
        with self._database.reading() as connection:
            return connection.execute(query.order_by(model_calls.c.id.desc()).limit(1)).scalar()

    def reused(self, *, scope: str, purpose: str, model: str, key: str, answer: str) -> None:
        """Records that a kept answer was given again, for nothing."""
        row = _row(scope, purpose, model, "cached", tokens=0, cost_pico=0) | {"key": key, "answer": answer}
        with self._database.writing() as connection:
            _insert(connection, row)

    def spent(self, limit: SpendLimit) -> Spent:
        """What was spent of this limit."""
        with self._database.reading() as connection:
            return _spent(connection, limit)

    def all(self, *, since: datetime | None = None, scope: str | None = None) -> list[CallRecord]:
        """The calls, the oldest first."""
        query = select(model_calls).where(_within(since, scope)).order_by(model_calls.c.id)
        with self._database.reading() as connection:
            return [_record(row) for row in connection.execute(query)]


def check_limit(limit: SpendLimit, spent: Spent, tokens: int, cost_pico: int) -> None:
    """Raises: LimitReached where a call of this bound could pass the limit."""
    over_tokens = limit.tokens is not None and spent.tokens + tokens > limit.tokens
    over_cost = limit.cost_pico is not None and spent.cost_pico + cost_pico > limit.cost_pico
    if over_tokens or over_cost:
        raise LimitReached(limit, spent, tokens, cost_pico)


def _spent(connection: Connection, limit: SpendLimit) -> Spent:
    sums = select(
        func.coalesce(func.sum(model_calls.c.tokens), 0), func.coalesce(func.sum(model_calls.c.cost_pico), 0)
    )
    tokens, cost_pico = connection.execute(sums.where(_within(limit.since, limit.scope))).one()
    return Spent(int(tokens), int(cost_pico))


def _within(since: datetime | None, scope: str | None) -> ColumnElement[bool]:
    condition: ColumnElement[bool] = true()
    if since is not None:
        condition &= model_calls.c.at >= since
    if scope is not None:
        condition &= model_calls.c.scope == scope
    return condition


def _row(scope: str, purpose: str, model: str, state: CallState, **counted: int) -> dict[str, Any]:
    return {
        "at": datetime.now(UTC), "scope": scope, "purpose": purpose, "model": model, "state": state,
        "input_tokens": None, "output_tokens": None, "key": "", "answer": None, "reason": "", **counted,
    }  # fmt: skip


def _insert(connection: Connection, row: Mapping[str, Any]) -> int:
    key = connection.execute(insert(model_calls).values(dict(row))).inserted_primary_key
    if key is None:
        raise Failure("the database gave the new call no number")
    return int(key[0])


def _record(row: Row[Any]) -> CallRecord:
    return CallRecord(**row._mapping)
