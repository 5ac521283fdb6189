"""The tables of agents that work side by side: tasks with leases, agents, offers, conflicts, events.

Rows are named by texts of their own; `id` only gives their order, and is another one in a copied catalog.
"""

from sqlalchemy import Column, Float, Index, Integer, String, Table, Text, UniqueConstraint

from bloomery.core.catalog.tables import Id, Json, Utc, metadata

tasks = Table(
    "tasks",
    metadata,
    Column("id", Id, primary_key=True),
    Column("name", String, nullable=False),
    Column("digest", String, nullable=False),  # of what is asked: asked twice, it is one task until it ends
    Column("root", String, nullable=False),
    Column("method", String, nullable=False),
    Column("goal", String, nullable=False),
    Column("paths", Json, nullable=False),
    Column("body", Json, nullable=False),  # all that is asked, in the words of who asks
    Column("priority", Integer, nullable=False),
    Column("state", String, nullable=False),
    Column("attempts", Integer, nullable=False),
    Column("most_attempts", Integer, nullable=False),
    Column("not_before", Utc),
    Column("agent", String),  # whose it is, or was last
    Column("lease", String),  # a new one each time the task is given out; who holds an old one is not heard
    Column("lease_until", Utc),
    Column("added_at", Utc, nullable=False),
    Column("started_at", Utc),
    Column("finished_at", Utc),
    Column("facts", Json, nullable=False),
    Column("reason", Text, nullable=False),
    UniqueConstraint("name"),
    Index(None, "state", "priority"),
    Index(None, "digest"),
)

agents = Table(
    "agents",
    metadata,
    Column("id", Id, primary_key=True),
    Column("name", String, nullable=False),
    Column("life", String, nullable=False),  # a new one each time the agent is started
    Column("host", String, nullable=False),
    Column("pid", Integer, nullable=False),
    Column("state", String, nullable=False),
    Column("task", String),
    Column("worktree", String),
    Column("started_at", Utc, nullable=False),
    Column("seen_at", Utc, nullable=False),
    Column("done", Integer, nullable=False),
    Column("failed", Integer, nullable=False),
    Column("lost", Integer, nullable=False),  # leases that it let run out: it died, or hung
    Column("reason", Text, nullable=False),
    UniqueConstraint("name"),
)

offers = Table(
    "offers",
    metadata,
    Column("id", Id, primary_key=True),
    Column("task", String, nullable=False),
    Column("cid", String, nullable=False),
    Column("root", String, nullable=False),
    Column("agent", String, nullable=False),
    Column("state", String, nullable=False),
    Column("became", String),  # the CID of the patch that it was merged into
    Column("reason", Text, nullable=False),
    Column("offered_at", Utc, nullable=False),
    Column("decided_at", Utc),
    UniqueConstraint("task", "cid"),
    Index(None, "cid"),
    Index(None, "state"),
)

conflicts = Table(
    "conflicts",
    metadata,
    Column("id", Id, primary_key=True),
    Column("name", String, nullable=False),
    Column("root", String, nullable=False),
    Column("one", String, nullable=False),
    Column("other", String, nullable=False),
    Column("overlaps", Json, nullable=False),
    Column("state", String, nullable=False),
    Column("merged", String),  # the CID of the patch that does what both do
    Column("shown", String),  # the CID of the page that shows a person both sides
    Column("decision", String),
    Column("by", String),
    Column("reason", Text, nullable=False),
    Column("found_at", Utc, nullable=False),
    Column("settled_at", Utc),
    UniqueConstraint("one", "other"),
    Index(None, "name"),
    Index(None, "state"),
)

events = Table(
    "events",
    metadata,
    Column("id", Id, primary_key=True),
    Column("key", String),  # recorded twice under one key, it counts once
    Column("at", Utc, nullable=False),
    Column("kind", String, nullable=False),
    Column("root", String, nullable=False),
    Column("subject", String, nullable=False),
    Column("value", Float),
    Column("facts", Json, nullable=False),
    UniqueConstraint("key"),
    Index(None, "kind"),
)
