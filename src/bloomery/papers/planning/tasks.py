"""Tasks as they are added: each gets its number, its minutes, and what it waits for."""

from collections import Counter
from collections.abc import Iterable
from typing import Any

from bloomery.papers.planning import durations
from bloomery.papers.planning.planned import Task, TaskKind


class Tasks:
    """Tasks in the order of work, found again by a key: a file, `test titans:13`, `code titans:13`."""

    def __init__(self, factor: float) -> None:
        self.all: list[Task] = []
        self._factor = factor
        self._ids: dict[str, int] = {}
        self._counts: Counter[str] = Counter()

    def add(
        self,
        group: str,
        kind: TaskKind,
        title: str,
        *,
        key: str = "",
        after: Iterable[str] = (),
        doubts: int = 0,
        **fields: Any,
    ) -> None:
        """`after` holds keys; those of tasks that are not there yet (in a cycle) hold nothing up."""
        self._counts[group] += 1
        waits = sorted({self._ids[one] for one in after if one in self._ids})
        task = Task(
            id=f"{group}.{self._counts[group]}",
            kind=kind,
            title=title,
            needs=tuple(self.all[at].id for at in waits),
            minutes=durations.minutes(kind, doubts, self._factor),
            **fields,
        )
        self._ids[key or task.file or task.id] = len(self.all)
        self.all.append(task)

    def files(self, group: str) -> list[str]:
        """The files that a group of tasks writes."""
        return [task.file for task in self.all if task.group == group and task.file]

    def of(self, group: str) -> list[Task]:
        return [task for task in self.all if task.group == group]
