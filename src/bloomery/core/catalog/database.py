"""The catalog: the only place that touches its tables."""

import math
from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Self, TypeVar

from sqlalchemy import Connection, Row, Select, Table, delete, insert, select, update
from sqlalchemy.dialects import postgresql, sqlite

from bloomery.core.catalog import schema
from bloomery.core.catalog.calls import Calls, model_calls
from bloomery.core.catalog.changes import ChangeRecords
from bloomery.core.catalog.conflicts import Conflicts
from bloomery.core.catalog.connection import Database
from bloomery.core.catalog.coordination import agents, conflicts, events, offers, tasks
from bloomery.core.catalog.queue import Queue
from bloomery.core.catalog.records import (
    ArtifactRecord,
    Lineage,
    MetricRecord,
    RunRecord,
    RunStatus,
    StepRecord,
    StepStatus,
)
from bloomery.core.catalog.tables import (
    applications,
    approvals,
    artifacts,
    audit,
    evidence,
    lineage,
    metrics,
    patches,
    runs,
    steps,
)
from bloomery.core.catalog.working import Agents, Events
from bloomery.core.errors import UnknownName, UserError
from bloomery.core.evidence import Evidence

_Item = TypeVar("_Item")
_COPIED = (
    *(runs, steps, metrics, artifacts, lineage, evidence),
    *(patches, audit, approvals, applications, model_calls),
    *(tasks, agents, offers, conflicts, events),
)
_ORDER = ("id", "seq")
_BATCH = 500  # rows a statement; databases limit the number of bound values


class Catalog:
    """Runs, steps, metrics, artifacts with lineage, evidence. Many processes may write at once.

    What is recorded again about the same thing (a resumed step's metrics, a check on the same inputs)
    replaces what was there.
    """

    def __init__(self, database: Database) -> None:
        self._database = database

    @classmethod
    def open(cls, url: str | Path) -> Self:
        """Open a path (SQLite) or a database URL; made, or brought up to date, where that is needed.

        Raises: UserError if a newer Bloomery made it; CapabilityMissing without the database's driver.
        """
        database = Database(url)
        schema.bring_up_to_date(database)
        return cls(database)

    def start_run(
        self,
        run_id: str,
        *,
        recipe: str,
        config: Mapping[str, Any],
        seed: int,
        environment: Mapping[str, Any],
    ) -> None:
        """Record a run that starts, or that is resumed: then its steps and start time stay."""
        row = {
            "run_id": run_id, "recipe": recipe, "config": dict(config), "seed": seed,
            "environment": dict(environment), "status": "running", "started_at": _now(), "finished_at": None,
        }  # fmt: skip
        with self._database.writing() as connection:
            _record(connection, runs, [row], keep=("started_at",))

    def finish_run(self, run_id: str, status: RunStatus) -> None:
        values = {"status": status, "finished_at": _now()}
        with self._database.writing() as connection:
            changed = connection.execute(update(runs).where(runs.c.run_id == run_id).values(values))
        if not changed.rowcount:
            raise self._unknown_run(run_id)

    def run(self, run_id: str) -> RunRecord:
        """Raises: UnknownName."""
        rows = self._all(select(runs).where(runs.c.run_id == run_id))
        if not rows:
            raise self._unknown_run(run_id)
        return RunRecord(**rows[0]._mapping)

    def runs(self) -> list[RunRecord]:
        """All runs, the oldest first."""
        return [RunRecord(**row._mapping) for row in self._all(select(runs).order_by("started_at", "run_id"))]

    def delete_run(self, run_id: str) -> None:
        """Forget a run with its steps, metrics and evidence; its artifacts stay known."""
        with self._database.writing() as connection:
            connection.execute(delete(runs).where(runs.c.run_id == run_id))

    def start_step(self, run_id: str, name: str, key: str) -> None:
        """Record a step that starts, or starts again; what an earlier attempt measured is forgotten."""
        row = {
            "run_id": run_id, "name": name, "key": key, "status": "running", "outputs": {},
            "started_at": _now(), "finished_at": None, "duration_s": None, "reason": "",
        }  # fmt: skip
        with self._database.writing() as connection:
            for table in (metrics, evidence):
                of_this_step = (table.c.run_id == run_id) & (table.c.step == name)
                connection.execute(delete(table).where(of_this_step))
            _record(connection, steps, [row])

    def finish_step(
        self,
        run_id: str,
        name: str,
        status: StepStatus,
        outputs: Mapping[str, str],
        duration_s: float,
        reason: str = "",
    ) -> None:
        values = {
            "status": status, "outputs": dict(outputs), "finished_at": _now(),
            "duration_s": duration_s, "reason": reason,
        }  # fmt: skip
        step = (steps.c.run_id == run_id) & (steps.c.name == name)
        with self._database.writing() as connection:
            changed = connection.execute(update(steps).where(step).values(values))
        if not changed.rowcount:
            raise UserError(f"run '{run_id}' has not started a step '{name}': call start_step first")

    def steps(self, run_id: str) -> list[StepRecord]:
        """The run's steps in the order in which they were first started."""
        return self._steps(select(steps).where(steps.c.run_id == run_id).order_by(steps.c.id))

    def find_step(self, key: str, run_id: str | None = None) -> StepRecord | None:
        """The finished step with this key: that of the run itself, else one that was computed rather than
        remembered, else the latest. One that was rolled back counts."""
        kept = (steps.c.key == key) & steps.c.status.in_(("done", "memoized", "rolled_back"))
        worth = (
            (steps.c.run_id == run_id).desc(),
            (steps.c.status == "memoized"),
            steps.c.finished_at.desc(),
            steps.c.id.desc(),
        )
        found = self._steps(select(steps).where(kept).order_by(*worth).limit(1))
        return found[0] if found else None

    def add_metrics(self, run_id: str, step: str, rows: Iterable[tuple[str, int, float]]) -> None:
        """Record (name, index, value) rows of a step."""
        values = {(name, index): None if math.isnan(value) else float(value) for name, index, value in rows}
        with self._database.writing() as connection:
            _record(
                connection,
                metrics,
                [
                    {"run_id": run_id, "step": step, "name": name, "index": index, "value": value}
                    for (name, index), value in sorted(values.items())  # one order, or writers deadlock
                ],
            )

    def metrics(self, run_id: str, step: str | None = None, name: str | None = None) -> list[MetricRecord]:
        """The run's metrics by step, name and index."""
        query = select(metrics).where(metrics.c.run_id == run_id)
        if step is not None:
            query = query.where(metrics.c.step == step)
        if name is not None:
            query = query.where(metrics.c.name == name)
        rows = self._all(query.order_by(metrics.c.step, metrics.c.name, metrics.c.index))
        return [MetricRecord(**{**row._mapping, "value": _or_nan(row.value)}) for row in rows]

    def add_artifact(
        self,
        cid: str,
        *,
        kind: str,
        size_bytes: int,
        run_id: str | None = None,
        step: str | None = None,
        name: str,
        parents: Sequence[str] = (),
        facts: Mapping[str, Any] | None = None,
    ) -> None:
        """Record an artifact and what it was made from; to a known one, only parents are added."""
        row = {
            "cid": cid, "kind": kind, "size_bytes": size_bytes, "run_id": run_id, "step": step,
            "name": name, "facts": dict(facts or {}), "created_at": _now(),
        }  # fmt: skip
        links = [
            {"cid": cid, "parent": parent, "position": position}
            for position, parent in enumerate(dict.fromkeys(parents))
            if parent != cid
        ]
        with self._database.writing() as connection:
            _record(connection, artifacts, [row], keep=tuple(row))
            _record(connection, lineage, links)

    def artifact(self, cid: str) -> ArtifactRecord:
        """Raises: UnknownName."""
        found = self._artifacts(select(artifacts).where(artifacts.c.cid == cid))
        if not found:
            raise UnknownName("artifact", cid, [row.cid for row in self._all(select(artifacts.c.cid))])
        return found[0]

    def artifacts(self, kind: str | None = None) -> list[ArtifactRecord]:
        """All artifacts, or those of a kind, the oldest first."""
        query = select(artifacts).order_by(artifacts.c.created_at, artifacts.c.cid)
        return self._artifacts(query if kind is None else query.where(artifacts.c.kind == kind))

    def forget_artifacts(self, cids: Iterable[str]) -> None:
        """Remove artifacts and the links to their parents."""
        with self._database.writing() as connection:
            for batch in _batches(list(cids)):
                connection.execute(delete(artifacts).where(artifacts.c.cid.in_(batch)))

    def lineage(self, cid: str) -> Lineage | None:
        """The tree of what an artifact was made from; None for one that the catalog does not know."""
        known = {artifact.cid: artifact for artifact in self.artifacts()}
        return _tree(cid, known, set()) if cid in known else None

    def add_evidence(self, run_id: str, step: str, item: Evidence) -> None:
        """Record the outcome of a check."""
        row = {
            "run_id": run_id, "step": step, "check": item.check, "inputs": " ".join(item.inputs),
            "state": str(item.state), "body": item.to_plain(),
        }  # fmt: skip
        with self._database.writing() as connection:
            _record(connection, evidence, [row])

    def evidence(self, run_id: str, step: str | None = None) -> list[Evidence]:
        """The run's evidence in the order in which it was first recorded."""
        query = select(evidence.c.body).where(evidence.c.run_id == run_id).order_by(evidence.c.id)
        if step is not None:
            query = query.where(evidence.c.step == step)
        return [Evidence.from_plain(row.body) for row in self._all(query)]

    def copy_into(self, other: Self) -> None:
        """Copy everything into an empty catalog of any database. Raises: UserError if it is not empty."""
        if other.runs() or other.artifacts() or other.changes.audit() or other.queue.tasks():
            raise UserError(f"the catalog {other.name} is not empty: name another one")
        with self._database.reading() as source, other._database.writing() as target:
            for table in _COPIED:
                columns = [column for column in table.columns if column.name != "id"]
                ordered = select(*columns).order_by(*(table.c[name] for name in _ORDER if name in table.c))
                for rows in source.execute(ordered).mappings().partitions(_BATCH):
                    target.execute(insert(table), [dict(row) for row in rows])

    @property
    def changes(self) -> ChangeRecords:
        """Patches, approvals, where patches were applied, and the audit."""
        return ChangeRecords(self._database)

    @property
    def calls(self) -> Calls:
        """What was asked of language models, and what it cost."""
        return Calls(self._database)

    @property
    def queue(self) -> Queue:
        """Tasks for agents, given out for a while."""
        return Queue(self._database)

    @property
    def agents(self) -> Agents:
        """The agents that are or were at work."""
        return Agents(self._database)

    @property
    def conflicts(self) -> Conflicts:
        """What agents offered, and which offers get in each other's way."""
        return Conflicts(self._database)

    @property
    def events(self) -> Events:
        """What statistics count and nothing else records."""
        return Events(self._database)

    def close(self) -> None:
        """Let go of the database; the next use opens it again."""
        self._database.close()

    @property
    def name(self) -> str:
        """The database's file or URL, for messages."""
        return self._database.name

    def _all(self, query: Select[Any]) -> Sequence[Row[Any]]:
        with self._database.reading() as connection:
            return connection.execute(query).all()

    def _steps(self, query: Select[Any]) -> list[StepRecord]:
        rows = [dict(row._mapping) for row in self._all(query)]
        return [StepRecord(**{name: value for name, value in row.items() if name != "id"}) for row in rows]

    def _artifacts(self, query: Select[Any]) -> list[ArtifactRecord]:
        with self._database.reading() as connection:
            rows = connection.execute(query).all()
            parents: dict[str, list[str]] = {row.cid: [] for row in rows}
            for batch in _batches(list(parents)):
                links = (
                    select(lineage)
                    .where(lineage.c.cid.in_(batch))
                    .order_by(lineage.c.position, lineage.c.parent)
                )
                for link in connection.execute(links):
                    parents[link.cid].append(link.parent)
        return [ArtifactRecord(**row._mapping, parents=tuple(parents[row.cid])) for row in rows]

    def _unknown_run(self, run_id: str) -> UnknownName:
        return UnknownName("run", run_id, [run.run_id for run in self.runs()])


def _record(
    connection: Connection, table: Table, rows: list[dict[str, Any]], keep: Sequence[str] = ()
) -> None:
    """Insert rows; where the table's key is there already, replace every column not named in `keep`."""
    if not rows:
        return
    insert_into = sqlite.insert if connection.dialect.name == "sqlite" else postgresql.insert
    unique, statement = schema.key_of(table), insert_into(table)
    changed = {name: statement.excluded[name] for name in rows[0] if name not in (*unique, *keep)}
    if changed:
        connection.execute(statement.on_conflict_do_update(index_elements=unique, set_=changed), rows)
    else:
        connection.execute(statement.on_conflict_do_nothing(index_elements=unique), rows)


def _tree(cid: str, known: Mapping[str, ArtifactRecord], seen: set[str]) -> Lineage:
    if cid in seen:
        return Lineage(known[cid])
    seen.add(cid)
    return Lineage(
        known[cid], tuple(_tree(parent, known, seen) for parent in known[cid].parents if parent in known)
    )


def _batches(items: list[_Item]) -> Iterable[list[_Item]]:
    return (items[i : i + _BATCH] for i in range(0, len(items), _BATCH))


def _or_nan(value: float | None) -> float:
    return math.nan if value is None else value


def _now() -> datetime:
    return datetime.now(UTC)
