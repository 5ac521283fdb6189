"""Runs, steps, metrics, artifacts with lineage, evidence."""

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None

Id = sa.BigInteger().with_variant(sa.Integer, "sqlite")


def upgrade() -> None:
    op.create_table(
        "runs",
        sa.Column("run_id", sa.String, nullable=False),
        sa.Column("recipe", sa.String, nullable=False),
        sa.Column("config", sa.Text, nullable=False),
        sa.Column("seed", sa.BigInteger, nullable=False),
        sa.Column("environment", sa.Text, nullable=False),
        sa.Column("status", sa.String, nullable=False),
        sa.Column("started_at", sa.DateTime, nullable=False),
        sa.Column("finished_at", sa.DateTime),
        sa.PrimaryKeyConstraint("run_id", name="pk_runs"),
    )
    op.create_table(
        "steps",
        sa.Column("id", Id, nullable=False),
        _run_id("steps"),
        sa.Column("name", sa.String, nullable=False),
        sa.Column("key", sa.String, nullable=False),
        sa.Column("status", sa.String, nullable=False),
        sa.Column("outputs", sa.Text, nullable=False),
        sa.Column("started_at", sa.DateTime, nullable=False),
        sa.Column("finished_at", sa.DateTime),
        sa.Column("duration_s", sa.Float),
        sa.Column("reason", sa.Text, nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_steps"),
        sa.UniqueConstraint("run_id", "name", name="uq_steps_run_id_name"),
    )
    op.create_index("ix_steps_key", "steps", ["key"])
    op.create_table(
        "metrics",
        _run_id("metrics"),
        sa.Column("step", sa.String, nullable=False),
        sa.Column("name", sa.String, nullable=False),
        sa.Column("index", sa.BigInteger, nullable=False),
        sa.Column("value", sa.Float),
        sa.PrimaryKeyConstraint("run_id", "step", "name", "index", name="pk_metrics"),
    )
    _create_artifacts()
    op.create_table(
        "evidence",
        sa.Column("id", Id, nullable=False),
        _run_id("evidence"),
        sa.Column("step", sa.String, nullable=False),
        sa.Column("check", sa.String, nullable=False),
        sa.Column("inputs", sa.Text, nullable=False),
        sa.Column("state", sa.String, nullable=False),
        sa.Column("body", sa.Text, nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_evidence"),
        sa.UniqueConstraint("run_id", "step", "check", "inputs", name="uq_evidence_run_id_step_check_inputs"),
    )


def _create_artifacts() -> None:
    op.create_table(
        "artifacts",
        sa.Column("cid", sa.String, nullable=False),
        sa.Column("kind", sa.String, nullable=False),
        sa.Column("size_bytes", sa.BigInteger, nullable=False),
        sa.Column("run_id", sa.String),
        sa.Column("step", sa.String),
        sa.Column("name", sa.String, nullable=False),
        sa.Column("facts", sa.Text, nullable=False),
        sa.Column("created_at", sa.DateTime, nullable=False),
        sa.PrimaryKeyConstraint("cid", name="pk_artifacts"),
    )
    op.create_table(
        "lineage",
        sa.Column("cid", sa.String, nullable=False),
        sa.Column("parent", sa.String, nullable=False),
        sa.Column("position", sa.Integer, nullable=False),
        sa.PrimaryKeyConstraint("cid", "parent", name="pk_lineage"),
        sa.ForeignKeyConstraint(["cid"], ["artifacts.cid"], ondelete="CASCADE", name="fk_lineage_cid"),
    )


def _run_id(table: str) -> sa.Column[str]:
    reference = sa.ForeignKey("runs.run_id", ondelete="CASCADE", name=f"fk_{table}_run_id")
    return sa.Column("run_id", sa.String, reference, nullable=False)
