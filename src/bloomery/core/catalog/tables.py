"""The catalog's tables as the newest migration leaves them."""

import json
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import (
    BigInteger,
    Column,
    DateTime,
    Dialect,
    Float,
    ForeignKey,
    Index,
    Integer,
    MetaData,
    String,
    Table,
    Text,
    TypeDecorator,
    UniqueConstraint,
)

SCHEMA = "0004"  # the newest migration


class Json(TypeDecorator[Any]):
    """Plain values as text: unlike the databases' own JSON types, it holds nan and infinity."""

    impl = Text
    cache_ok = True

    def process_bind_param(self, value: Any, dialect: Dialect) -> str:
        return json.dumps(value, sort_keys=True)

    def process_result_value(self, value: str | None, dialect: Dialect) -> Any:
        return None if value is None else json.loads(value)


class Utc(TypeDecorator[datetime]):
    """A moment, kept as naive UTC, which every database can hold and order."""

    impl = DateTime
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        return None if value is None else value.astimezone(UTC).replace(tzinfo=None)

    def process_result_value(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        return None if value is None else value.replace(tzinfo=UTC)


metadata = MetaData(
    naming_convention={
        "ix": "ix_%(table_name)s_%(column_0_N_name)s",
        "uq": "uq_%(table_name)s_%(column_0_N_name)s",
        "fk": "fk_%(table_name)s_%(column_0_N_name)s",
        "pk": "pk_%(table_name)s",
    }
)

Id = BigInteger().with_variant(Integer, "sqlite")  # SQLite counts up only INTEGER keys


def _run_id(**options: Any) -> Column[str]:
    return Column("run_id", String, ForeignKey("runs.run_id", ondelete="CASCADE"), nullable=False, **options)


runs = Table(
    "runs",
    metadata,
    Column("run_id", String, primary_key=True),
    Column("recipe", String, nullable=False),
    Column("config", Json, nullable=False),
    Column("seed", BigInteger, nullable=False),
    Column("environment", Json, nullable=False),
    Column("status", String, nullable=False),
    Column("started_at", Utc, nullable=False),
    Column("finished_at", Utc),
)

steps = Table(
    "steps",
    metadata,
    Column("id", Id, primary_key=True),
    _run_id(),
    Column("name", String, nullable=False),
    Column("key", String, nullable=False),
    Column("status", String, nullable=False),
    Column("outputs", Json, nullable=False),
    Column("started_at", Utc, nullable=False),
    Column("finished_at", Utc),
    Column("duration_s", Float),
    Column("reason", Text, nullable=False),
    UniqueConstraint("run_id", "name"),
    Index(None, "key"),
)

metrics = Table(
    "metrics",
    metadata,
    _run_id(primary_key=True),
    Column("step", String, primary_key=True),
    Column("name", String, primary_key=True),
    Column("index", BigInteger, primary_key=True),
    Column("value", Float),  # null is nan, which SQLite cannot hold
)

artifacts = Table(
    "artifacts",
    metadata,
    Column("cid", String, primary_key=True),
    Column("kind", String, nullable=False),
    Column("size_bytes", BigInteger, nullable=False),
    Column("run_id", String),  # the first that made it; no foreign key: history outlives the run
    Column("step", String),
    Column("name", String, nullable=False),
    Column("facts", Json, nullable=False),
    Column("created_at", Utc, nullable=False),
)

lineage = Table(
    "lineage",
    metadata,
    Column("cid", String, ForeignKey("artifacts.cid", ondelete="CASCADE"), primary_key=True),
    Column("parent", String, primary_key=True),
    Column("position", Integer, nullable=False),
)

evidence = Table(
    "evidence",
    metadata,
    Column("id", Id, primary_key=True),
    _run_id(),
    Column("step", String, nullable=False),
    Column("check", String, nullable=False),
    Column("inputs", Text, nullable=False),
    Column("state", String, nullable=False),
    Column("body", Json, nullable=False),
    UniqueConstraint("run_id", "step", "check", "inputs"),
)

patches = Table(
    "patches",
    metadata,
    Column("cid", String, primary_key=True),
    Column("about", String, nullable=False),  # the CID of what was said of it first
    Column("goal", String, nullable=False),
    Column("proposer", String, nullable=False),
    Column("description", Text, nullable=False),
    Column("parents", Json, nullable=False),
    Column("paths", Json, nullable=False),
    Column("status", String, nullable=False),
    Column("evidence", String),  # the CID of the newest evidence
    Column("created_at", Utc, nullable=False),
)

audit = Table(
    "audit",
    metadata,
    Column("seq", BigInteger, primary_key=True, autoincrement=False),
    Column("at", String, nullable=False),
    Column("actor", String, nullable=False),
    Column("event", String, nullable=False),
    Column("subject", String, nullable=False),
    Column("body", Json, nullable=False),
    Column("previous", String, nullable=False),
    Column("hash", String, nullable=False),
)


def _cid() -> Column[str]:
    return Column("cid", String, ForeignKey("patches.cid", ondelete="RESTRICT"), nullable=False)


approvals = Table(
    "approvals",
    metadata,
    Column("seq", BigInteger, primary_key=True, autoincrement=False),  # that of its entry in the audit
    _cid(),
    Column("evidence", String, nullable=False),
    Column("decision", String, nullable=False),
    Column("kind", String, nullable=False),
    Column("by", String, nullable=False),
    Column("reason", Text, nullable=False),
)

applications = Table(
    "applications",
    metadata,
    Column("id", Id, primary_key=True),
    Column("change", String, nullable=False),
    _cid(),
    Column("root", String, nullable=False),
    Column("branch", String, nullable=False),
    Column("files", Json, nullable=False),
    Column("applied_at", Utc, nullable=False),
    Column("rolled_back", String),  # the change that undid it
    UniqueConstraint("change"),
)
