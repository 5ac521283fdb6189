"""Patches, who approved them, where they were applied, and the audit that nobody can change unseen."""

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"

Id = sa.BigInteger().with_variant(sa.Integer, "sqlite")


def upgrade() -> None:
    op.create_table(
        "patches",
        sa.Column("cid", sa.String, nullable=False),
        sa.Column("about", sa.String, nullable=False),
        sa.Column("goal", sa.String, nullable=False),
        sa.Column("proposer", sa.String, nullable=False),
        sa.Column("description", sa.Text, nullable=False),
        sa.Column("parents", sa.Text, nullable=False),
        sa.Column("paths", sa.Text, nullable=False),
        sa.Column("status", sa.String, nullable=False),
        sa.Column("evidence", sa.String),
        sa.Column("created_at", sa.DateTime, nullable=False),
        sa.PrimaryKeyConstraint("cid", name="pk_patches"),
    )
    op.create_table(
        "audit",
        sa.Column("seq", sa.BigInteger, autoincrement=False, nullable=False),
        sa.Column("at", sa.String, nullable=False),
        sa.Column("actor", sa.String, nullable=False),
        sa.Column("event", sa.String, nullable=False),
        sa.Column("subject", sa.String, nullable=False),
        sa.Column("body", sa.Text, nullable=False),
        sa.Column("previous", sa.String, nullable=False),
        sa.Column("hash", sa.String, nullable=False),
        sa.PrimaryKeyConstraint("seq", name="pk_audit"),
    )
    _append_only()
    op.create_table(
        "approvals",
        sa.Column("seq", sa.BigInteger, autoincrement=False, nullable=False),
        _cid("approvals"),
        sa.Column("evidence", sa.String, nullable=False),
        sa.Column("decision", sa.String, nullable=False),
        sa.Column("kind", sa.String, nullable=False),
        sa.Column("by", sa.String, nullable=False),
        sa.Column("reason", sa.Text, nullable=False),
        sa.PrimaryKeyConstraint("seq", name="pk_approvals"),
    )
    op.create_table(
        "applications",
        sa.Column("id", Id, nullable=False),
        sa.Column("change", sa.String, nullable=False),
        _cid("applications"),
        sa.Column("root", sa.String, nullable=False),
        sa.Column("branch", sa.String, nullable=False),
        sa.Column("files", sa.Text, nullable=False),
        sa.Column("applied_at", sa.DateTime, nullable=False),
        sa.Column("rolled_back", sa.String),
        sa.PrimaryKeyConstraint("id", name="pk_applications"),
        sa.UniqueConstraint("change", name="uq_applications_change"),
    )


def _cid(table: str) -> sa.Column[str]:
    reference = sa.ForeignKey("patches.cid", ondelete="RESTRICT", name=f"fk_{table}_cid")
    return sa.Column("cid", sa.String, reference, nullable=False)


def _append_only() -> None:
    """The database itself refuses to change or remove an entry, until somebody drops the trigger."""
    if op.get_bind().dialect.name == "sqlite":
        for change in ("UPDATE", "DELETE"):
            op.execute(
                f"CREATE TRIGGER audit_no_{change.lower()} BEFORE {change} ON audit "
                "BEGIN SELECT RAISE(ABORT, 'the audit is append-only'); END"
            )
    elif op.get_bind().dialect.name == "postgresql":
        op.execute(
            "CREATE FUNCTION audit_refuse() RETURNS trigger LANGUAGE plpgsql AS "
            "$$ BEGIN RAISE EXCEPTION 'the audit is append-only'; END $$"
        )
        op.execute(
            "CREATE TRIGGER audit_no_change BEFORE UPDATE OR DELETE ON audit "
            "FOR EACH ROW EXECUTE FUNCTION audit_refuse()"
        )
