"""Agents that work side by side: tasks with leases, agents, what they offered, conflicts, events."""

from datetime import datetime

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"

Id = sa.BigInteger().with_variant(sa.Integer, "sqlite")


def upgrade() -> None:
    _tasks()
    _agents()
    _offers()
    _conflicts()
    _events()


def _text(name: str, *, nullable: bool = False) -> sa.Column[str]:
    return sa.Column(name, sa.String, nullable=nullable)


def _long(name: str) -> sa.Column[str]:
    return sa.Column(name, sa.Text, nullable=False)


def _count(name: str) -> sa.Column[int]:
    return sa.Column(name, sa.Integer, nullable=False)


def _moment(name: str, *, nullable: bool = False) -> sa.Column[datetime]:
    return sa.Column(name, sa.DateTime, nullable=nullable)


def _id(table: str, *unique: str) -> list[sa.schema.SchemaItem]:
    return [
        sa.PrimaryKeyConstraint("id", name=f"pk_{table}"),
        sa.UniqueConstraint(*unique, name=f"uq_{table}_{'_'.join(unique)}"),
    ]


def _index(table: str, *columns: str) -> None:
    op.create_index(f"ix_{table}_{'_'.join(columns)}", table, list(columns))


def _tasks() -> None:
    op.create_table(
        "tasks",
        sa.Column("id", Id, nullable=False),
        *(_text(name) for name in ("name", "digest", "root", "method", "goal")),
        *(_long(name) for name in ("paths", "body")),
        _count("priority"),
        _text("state"),
        *(_count(name) for name in ("attempts", "most_attempts")),
        _moment("not_before", nullable=True),
        *(_text(name, nullable=True) for name in ("agent", "lease")),
        _moment("lease_until", nullable=True),
        _moment("added_at"),
        *(_moment(name, nullable=True) for name in ("started_at", "finished_at")),
        *(_long(name) for name in ("facts", "reason")),
        *_id("tasks", "name"),
    )
    _index("tasks", "state", "priority")
    _index("tasks", "digest")


def _agents() -> None:
    op.create_table(
        "agents",
        sa.Column("id", Id, nullable=False),
        *(_text(name) for name in ("name", "life", "host")),
        _count("pid"),
        _text("state"),
        *(_text(name, nullable=True) for name in ("task", "worktree")),
        *(_moment(name) for name in ("started_at", "seen_at")),
        *(_count(name) for name in ("done", "failed", "lost")),
        _long("reason"),
        *_id("agents", "name"),
    )


def _offers() -> None:
    op.create_table(
        "offers",
        sa.Column("id", Id, nullable=False),
        *(_text(name) for name in ("task", "cid", "root", "agent", "state")),
        _text("became", nullable=True),
        _long("reason"),
        _moment("offered_at"),
        _moment("decided_at", nullable=True),
        *_id("offers", "task", "cid"),
    )
    _index("offers", "cid")
    _index("offers", "state")


def _conflicts() -> None:
    op.create_table(
        "conflicts",
        sa.Column("id", Id, nullable=False),
        *(_text(name) for name in ("name", "root", "one", "other")),
        _long("overlaps"),
        _text("state"),
        *(_text(name, nullable=True) for name in ("merged", "shown", "decision", "by")),
        _long("reason"),
        _moment("found_at"),
        _moment("settled_at", nullable=True),
        *_id("conflicts", "one", "other"),
    )
    _index("conflicts", "name")
    _index("conflicts", "state")


def _events() -> None:
    op.create_table(
        "events",
        sa.Column("id", Id, nullable=False),
        _text("key", nullable=True),
        _moment("at"),
        *(_text(name) for name in ("kind", "root", "subject")),
        sa.Column("value", sa.Float),
        _long("facts"),
        *_id("events", "key"),
    )
    _index("events", "kind")
