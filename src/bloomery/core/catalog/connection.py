"""How the catalog speaks to its database: SQLite in WAL mode, or PostgreSQL by URL."""

import os
import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from importlib.util import find_spec
from pathlib import Path
from typing import Any
from weakref import WeakSet, finalize

from sqlalchemy import URL, Connection, Engine, Pool, create_engine, event, make_url, text
from sqlalchemy.exc import ArgumentError, DBAPIError, NoSuchModuleError, OperationalError

from bloomery.core.errors import CapabilityMissing, DiskFull, Failure, UserError, WorkspaceBusy

WAIT_S = 30  # how long a writer waits for another process to finish its transaction


class Database:
    """Transactions on one database, with its errors in our words; threads and forked children may use it."""

    def __init__(self, url: str | Path) -> None:
        self.url = _url(url)
        self._engine = _engine(self.url)
        _open.add(self)
        finalize(self, self._engine.dispose)

    def close(self) -> None:
        """Close all connections; the next use opens new ones."""
        self._engine.dispose()

    def leave_to_parent(self) -> None:
        """In a forked child: forget the parent's connections without closing them, which would harm it."""
        _inherited.append(self._engine.pool)
        self._engine.dispose(close=False)

    @property
    def name(self) -> str:
        """For messages: the file, or the URL without its password."""
        if self.url.get_backend_name() == "sqlite":
            return str(self.url.database)
        return self.url.render_as_string(hide_password=True)

    @contextmanager
    def reading(self) -> Iterator[Connection]:
        """A consistent view."""
        engine = self._engine
        if self.url.get_backend_name() == "postgresql":
            engine = engine.execution_options(isolation_level="REPEATABLE READ")
        with self._named_errors(), engine.begin() as connection:
            yield connection

    @contextmanager
    def writing(self) -> Iterator[Connection]:
        """All or nothing. Raises: DiskFull, WorkspaceBusy after WAIT_S."""
        engine = self._engine.execution_options(writes=True)
        with self._named_errors(), engine.begin() as connection:
            yield connection

    @contextmanager
    def _named_errors(self) -> Iterator[None]:
        try:
            yield
        except DBAPIError as error:
            raise (_named(error, self.name) or error) from error


@contextmanager
def alone(database: Database, lock: int) -> Iterator[Connection]:
    """Writing, one at a time with this lock: SQLite's writers are alone anyway, PostgreSQL's must queue."""
    with database.writing() as connection:
        if connection.dialect.name == "postgresql":
            connection.execute(text("SELECT pg_advisory_xact_lock(:lock)"), {"lock": lock})
        yield connection


_open: WeakSet[Database] = WeakSet()
_inherited: list[Pool] = []


def _after_fork() -> None:
    for database in list(_open):
        database.leave_to_parent()


os.register_at_fork(after_in_child=_after_fork)


def _url(url: str | Path) -> URL:
    """A path is an SQLite file; `postgresql://` means the driver that our extra installs."""
    if isinstance(url, Path) or "://" not in url:
        return URL.create("sqlite", database=str(Path(url).absolute()))
    try:
        parsed = make_url(url)
    except ArgumentError as error:
        raise UserError(f"the catalog's URL cannot be read: {error}") from None
    if parsed.drivername in ("postgres", "postgresql"):
        return parsed.set(drivername="postgresql+psycopg")
    return parsed


def _engine(url: URL) -> Engine:
    if url.get_backend_name() == "sqlite":
        engine = create_engine(url, connect_args={"timeout": WAIT_S})
        event.listen(engine, "connect", _configure_sqlite)
        event.listen(engine, "begin", _begin_sqlite)
        return engine
    if url.drivername == "postgresql+psycopg" and find_spec("psycopg") is None:
        raise CapabilityMissing("PostgreSQL needs its driver: pip install 'bloomery[postgres]'")
    try:
        return create_engine(url, pool_pre_ping=True)
    except NoSuchModuleError:
        raise UserError(
            f"no driver for '{url.drivername}'; a catalog is a path or a postgresql:// URL"
        ) from None


def _configure_sqlite(connection: sqlite3.Connection, _record: Any) -> None:
    connection.isolation_level = None  # we say BEGIN ourselves
    connection.execute("PRAGMA foreign_keys = ON")
    connection.execute("PRAGMA synchronous = NORMAL")  # with WAL: a power cut loses at most the last moment
    connection.execute("PRAGMA journal_mode = WAL")


def _begin_sqlite(connection: Connection) -> None:
    """A writer takes the lock at once: one that read first could not wait for it."""
    writes = connection.get_execution_options().get("writes")
    connection.exec_driver_sql("BEGIN IMMEDIATE" if writes else "BEGIN")


def _named(error: DBAPIError, name: str) -> Exception | None:
    code = getattr(error.orig, "sqlite_errorcode", -1) & 0xFF
    if code == sqlite3.SQLITE_FULL:
        return DiskFull(f"no space left for the catalog {name}: nothing was half-written; free some space")
    if code in (sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED):
        return WorkspaceBusy(
            f"another process has kept the catalog {name} for {WAIT_S} s; wait until it ends"
        )
    if code in (sqlite3.SQLITE_NOTADB, sqlite3.SQLITE_CORRUPT):
        return Failure(f"the catalog {name} is damaged or no database: restore a backup, or move it away")
    if code in (sqlite3.SQLITE_CANTOPEN, sqlite3.SQLITE_READONLY):
        return UserError(
            f"the catalog {name} cannot be opened for writing; check the folder and its permissions"
        )
    if isinstance(error, OperationalError) and not isinstance(error.orig, sqlite3.Error):
        return Failure(
            f"the catalog {name} cannot be reached ({error.orig}); start its server, then try again"
        )
    return None
