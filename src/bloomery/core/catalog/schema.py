"""Bringing a database to the schema of this version, one process at a time."""

from pathlib import Path

from sqlalchemy import Connection, PrimaryKeyConstraint, Table, UniqueConstraint, inspect, text

from bloomery.core.catalog.connection import Database
from bloomery.core.catalog.tables import SCHEMA
from bloomery.core.errors import UserError

MIGRATIONS = Path(__file__).parent / "migrations"
_LOCK = 0x626C6F6F  # an arbitrary number that all our processes agree on


def bring_up_to_date(database: Database) -> None:
    """Run the migrations that are missing; all of them are kept, or none.

    Raises: UserError for a schema that this version does not know.
    """
    with database.reading() as connection:
        found = version(connection)
    if found != SCHEMA:
        with database.writing() as connection:
            _upgrade(connection, database.name)


def version(connection: Connection) -> str | None:
    """The database's last migration; None for an empty database."""
    if not inspect(connection).has_table("alembic_version"):
        return None
    return connection.execute(text("SELECT version_num FROM alembic_version")).scalar()


def key_of(table: Table) -> list[str]:
    """The columns by which rows of a table are told apart: its unique constraint, else its primary key."""
    unique = [item for item in table.constraints if isinstance(item, UniqueConstraint)]
    primary = [item for item in table.constraints if isinstance(item, PrimaryKeyConstraint)]
    return [column.name for column in (unique or primary)[0].columns]


def _upgrade(connection: Connection, name: str) -> None:
    from alembic import command
    from alembic.config import Config
    from alembic.script import ScriptDirectory

    if connection.dialect.name == "postgresql":
        connection.execute(text("SELECT pg_advisory_xact_lock(:lock)"), {"lock": _LOCK})
    config = Config()
    config.set_main_option("script_location", str(MIGRATIONS).replace("%", "%%"))
    known = [script.revision for script in ScriptDirectory.from_config(config).walk_revisions()]
    found = version(connection)
    if found is not None and found not in known:
        raise UserError(
            f"the catalog {name} was made by a newer Bloomery (schema {found}; this one knows up to "
            f"{SCHEMA}): upgrade Bloomery, or use another workspace"
        )
    config.attributes["connection"] = connection
    command.upgrade(config, "head")
