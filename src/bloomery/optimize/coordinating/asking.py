"""What is asked of agents, as the queue keeps it."""

import hashlib
import json
from dataclasses import asdict, fields, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from bloomery.core.catalog import TaskRecord
from bloomery.core.errors import FormatRefused, MissingFile, UserError
from bloomery.core.workspace import Workspace
from bloomery.optimize.changes import Repository
from bloomery.optimize.changes.access import check_path
from bloomery.optimize.task import OptimizationTask

USUAL_PRIORITY, MOST_PRIORITY = 50, 100
MOST_ATTEMPTS = 5  # of one task, those counted in which its agent died


def now() -> datetime:
    return datetime.now(UTC)


def enqueue(
    workspace: Workspace,
    task: OptimizationTask,
    *,
    method: str = "test-driven",
    priority: int = USUAL_PRIORITY,
    most_attempts: int = MOST_ATTEMPTS,
) -> TaskRecord:
    """Queue a task for the repository that its root lies in; asked for twice, it is one until it ends.

    Raises: UserError without a repository or a path, for a priority out of range; MissingFile.
    """
    if not 0 <= priority <= MOST_PRIORITY:
        raise UserError(f"a priority is from 0 to {MOST_PRIORITY}, the highest first; got {priority}")
    root = Repository.open(task.root).root
    body = _body(_from(root, task))
    key = json.dumps([str(root), method, body], sort_keys=True)
    return workspace.catalog.queue.add(
        digest=hashlib.sha256(key.encode()).hexdigest(),
        root=str(root),
        method=method,
        goal=task.goal,
        paths=body["paths"],
        body=body,
        priority=priority,
        most_attempts=most_attempts,
        now=now(),
    )


def task_of(record: TaskRecord, folder: Path) -> OptimizationTask:
    """The task with its root in another tree of the repository. Raises: FormatRefused."""
    known = {field.name for field in fields(OptimizationTask)} - {"root"}
    if unknown := set(record.body) - known:
        raise FormatRefused(
            f"task {record.name} asks for {', '.join(sorted(unknown))}, which this Bloomery does not know"
        )
    values: dict[str, Any] = {
        name: tuple(value) if isinstance(value, list) else value for name, value in record.body.items()
    }
    return OptimizationTask(root=folder, **values)


def _from(root: Path, task: OptimizationTask) -> OptimizationTask:
    """The task with its paths from the repository's root."""
    if not task.paths:
        raise UserError("a task needs files to work on: name some")
    inside = task.root.resolve().relative_to(root.resolve())
    names = [(inside / path).as_posix() for path in task.paths]
    tests = [(inside / path).as_posix() for path in task.tests]
    for name in names:
        check_path(name)
    for name in (*names, *tests):
        if not (root / name.partition("::")[0]).exists():
            raise MissingFile(f"{root / name} does not exist; name files of the repository")
    return replace(task, root=root, paths=tuple(names), tests=tuple(tests))


def _body(task: OptimizationTask) -> dict[str, Any]:
    plain: dict[str, Any] = json.loads(json.dumps(asdict(task), default=str))
    del plain["root"]
    return plain
