"""The queue: tasks that are given out for a while, and given out again unless they come back done.

At least once: a task is never lost, and may be worked on twice. Its end is recorded once: who holds a lease
that ran out is not heard any more. The end and the patches of a task are one transaction.
"""

import uuid
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal

from sqlalchemy import Connection, Row, Select, delete, insert, select, update

from bloomery.core.catalog.connection import Database, alone
from bloomery.core.catalog.coordination import agents, offers, tasks
from bloomery.core.errors import UnknownName

TaskState = Literal["waiting", "leased", "done", "failed", "cancelled"]
_LOCK = 0x71756575  # an arbitrary number that all our processes agree on
_FREE: dict[str, Any] = {"lease": None, "lease_until": None}


@dataclass(frozen=True, kw_only=True)
class TaskRecord:
    """A task. `attempts` counts how often it was given out, `agent` is whose it is or was last."""

    name: str
    digest: str
    root: str
    method: str
    goal: str
    paths: tuple[str, ...]
    body: Mapping[str, Any]
    priority: int
    state: TaskState
    attempts: int
    most_attempts: int
    not_before: datetime | None
    agent: str | None
    lease: str | None
    lease_until: datetime | None
    added_at: datetime
    started_at: datetime | None
    finished_at: datetime | None
    facts: Mapping[str, Any]
    reason: str


class Queue:
    """Tasks in the catalog. Moments are the caller's: clocks of machines that share a catalog must agree to
    well within the time of a lease."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def add(
        self, *, digest: str, root: str, method: str, goal: str, paths: Sequence[str],
        body: Mapping[str, Any], priority: int, most_attempts: int, now: datetime,
    ) -> TaskRecord:  # fmt: skip
        """Queue a task; asked again before it ended, it is the same one, with the higher priority."""
        name = uuid.uuid4().hex[:12]
        row = {
            "name": name, "digest": digest, "root": root, "method": method, "goal": goal,
            "paths": list(paths), "body": dict(body), "priority": priority, "state": "waiting",
            "attempts": 0, "most_attempts": most_attempts, "added_at": now, "facts": {}, "reason": "",
        }  # fmt: skip
        same = (tasks.c.digest == digest) & tasks.c.state.in_(("waiting", "leased"))
        with self._alone() as connection:
            found = connection.execute(select(tasks.c.name, tasks.c.priority).where(same)).first()
            if found is None:
                connection.execute(insert(tasks), row)
            elif found.priority < priority:
                _set(connection, found.name, priority=priority)
            return _task(connection, found.name if found else name)

    def take(
        self,
        agent: str,
        *,
        now: datetime,
        until: datetime,
        root: str | None = None,
        allowed: Callable[[Sequence[str]], bool] = lambda paths: True,
    ) -> TaskRecord | None:
        """Give the agent the waiting task of the highest priority, the oldest of these.

        One whose paths somebody else is working on comes after those whose paths are free: it would conflict.
        `allowed` says of a task's paths whether this agent may work on them.
        """
        with self._alone() as connection:
            _take_back(connection, now, ())
            waiting = (tasks.c.state == "waiting") & (
                tasks.c.not_before.is_(None) | (tasks.c.not_before <= now)
            )
            ordered = _of(root, waiting).order_by(tasks.c.priority.desc(), tasks.c.id)
            found = [row for row in connection.execute(ordered) if allowed(row.paths)]
            busy = {
                (row.root, path)
                for row in connection.execute(_of(None, tasks.c.state == "leased"))
                for path in row.paths
            }
            free = [row for row in found if not {(row.root, path) for path in row.paths} & busy]
            for row in (free or found)[:1]:
                _set(
                    connection, row.name, state="leased", agent=agent, lease=uuid.uuid4().hex,
                    lease_until=until, attempts=row.attempts + 1, started_at=now,
                )  # fmt: skip
                return _task(connection, row.name)
        return None

    def renew(self, name: str, lease: str, until: datetime) -> bool:
        """Keep a task for longer; false if it is somebody else's, or ended."""
        with self._database.writing() as connection:
            return _if_held(connection, name, lease, {"lease_until": until})

    def finish(
        self, name: str, lease: str, *, patches: Sequence[str], facts: Mapping[str, Any], now: datetime
    ) -> bool:
        """Record that a task is done, with the patches that came of it; whether this was its end."""
        values = {"state": "done", "finished_at": now, "facts": dict(facts), "reason": "", **_FREE}
        with self._alone() as connection:
            task = _task(connection, name)
            if not _if_held(connection, name, lease, values):
                return False
            _count(connection, task.agent, "done")
            known = select(offers.c.cid).where(offers.c.task == name)
            seen = {row.cid for row in connection.execute(known)}
            for cid in dict.fromkeys(patches):
                if cid not in seen:
                    connection.execute(
                        insert(offers),
                        {"task": name, "cid": cid, "root": task.root, "agent": task.agent,
                         "state": "offered", "reason": "", "offered_at": now},
                    )  # fmt: skip
            return True

    def fail(
        self, name: str, lease: str, reason: str, *, now: datetime, again_at: datetime | None = None
    ) -> bool:
        """Record that an attempt failed: the task waits until `again_at`, or has failed if that is not given
        or there were enough attempts. Whether the lease held."""
        with self._alone() as connection:
            task = _task(connection, name)
            again = again_at is not None and task.attempts < task.most_attempts
            values = {"state": "waiting" if again else "failed", "reason": reason, **_FREE}
            values |= {"not_before": again_at} if again else {"finished_at": now}
            held = _if_held(connection, name, lease, values)
            if held:
                _count(connection, task.agent, "failed")
            return held

    def take_back(self, *, now: datetime, leases: Collection[str] = ()) -> list[TaskRecord]:
        """Tasks whose lease ran out, or is one of those named (their agents are dead), wait again; those that
        were given out often enough have failed."""
        with self._alone() as connection:
            names = _take_back(connection, now, leases)
            return [_task(connection, name) for name in names]

    def put_back(self, name: str, *, now: datetime, facts: Mapping[str, Any] | None = None) -> TaskRecord:
        """Let a task that has ended wait anew, with `facts` in the place of its own. Raises: UnknownName."""
        ended = (tasks.c.name == name) & tasks.c.state.in_(("done", "failed", "cancelled"))
        values = {"state": "waiting", "attempts": 0, "not_before": None, "finished_at": None}
        values |= {"added_at": now, "facts": dict(facts or {}), "reason": ""}
        with self._alone() as connection:
            _task(connection, name)
            connection.execute(update(tasks).where(ended).values(values))
            return _task(connection, name)

    def cancel(self, name: str, *, now: datetime, reason: str = "") -> TaskRecord:
        """End a task that has not ended; whoever works on it is not heard any more. Raises: UnknownName."""
        open_ = (tasks.c.name == name) & tasks.c.state.in_(("waiting", "leased"))
        values = {"state": "cancelled", "finished_at": now, "reason": reason, **_FREE}
        with self._alone() as connection:
            _task(connection, name)
            connection.execute(update(tasks).where(open_).values(values))
            return _task(connection, name)

    def forget(self, names: Collection[str]) -> None:
        """Remove tasks that have ended; what was offered stays known."""
        ended = tasks.c.state.in_(("done", "failed", "cancelled")) & tasks.c.name.in_(list(names))
        with self._alone() as connection:
            connection.execute(delete(tasks).where(ended))

    def task(self, name: str) -> TaskRecord:
        """Raises: UnknownName."""
        with self._database.reading() as connection:
            return _task(connection, name)

    def tasks(self, state: TaskState | None = None, root: str | None = None) -> list[TaskRecord]:
        """In the order in which they are given out: by priority, then by age."""
        query = _of(root, None if state is None else tasks.c.state == state)
        with self._database.reading() as connection:
            return [
                _record(row)
                for row in connection.execute(query.order_by(tasks.c.priority.desc(), tasks.c.id))
            ]

    def _alone(self) -> Any:
        return alone(self._database, _LOCK)


def _of(root: str | None, condition: Any = None) -> Select[Any]:
    query = select(tasks) if condition is None else select(tasks).where(condition)
    return query if root is None else query.where(tasks.c.root == root)


def _take_back(connection: Connection, now: datetime, leases: Collection[str]) -> list[str]:
    lost = (tasks.c.lease_until < now) | tasks.c.lease.in_(list(leases))
    rows = connection.execute(_of(None, (tasks.c.state == "leased") & lost)).all()
    for row in rows:
        why = f"{row.agent} died or hung while at it ({row.attempts} of {row.most_attempts} attempts)"
        enough = row.attempts >= row.most_attempts
        values = {"state": "failed", "finished_at": now} if enough else {"state": "waiting"}
        _set(connection, row.name, reason=why, **values, **_FREE)
        _count(connection, row.agent, "lost")
    return [row.name for row in rows]


def _if_held(connection: Connection, name: str, lease: str, values: Mapping[str, Any]) -> bool:
    held = (tasks.c.name == name) & (tasks.c.lease == lease) & (tasks.c.state == "leased")
    return bool(connection.execute(update(tasks).where(held).values(**values)).rowcount)


def _set(connection: Connection, name: str, **values: Any) -> None:
    connection.execute(update(tasks).where(tasks.c.name == name).values(**values))


def _count(connection: Connection, agent: str | None, column: str) -> None:
    counted = update(agents).where(agents.c.name == agent).values({column: agents.c[column] + 1})
    connection.execute(counted)


def _task(connection: Connection, name: str) -> TaskRecord:
    row = connection.execute(select(tasks).where(tasks.c.name == name)).first()
    if row is None:
        raise UnknownName("task", name, [row.name for row in connection.execute(select(tasks.c.name))])
    return _record(row)


def _record(row: Row[Any]) -> TaskRecord:
    values = {key: value for key, value in row._mapping.items() if key != "id"}
    return TaskRecord(**{**values, "paths": tuple(row.paths)})
