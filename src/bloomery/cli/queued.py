"""The queue's tasks and conflicts, for people."""

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from bloomery.cli.tables import print_fields, print_table, say
from bloomery.cli.wording import short

if TYPE_CHECKING:
    from bloomery.core.catalog import ConflictRecord, OfferRecord, TaskRecord
    from bloomery.optimize.changes import Ledger
    from bloomery.optimize.coordinating import Summary


def ledger_of(workspace: Path, repository: Path) -> "Ledger":
    from bloomery.core.workspace import Workspace
    from bloomery.optimize.changes import open_ledger

    return open_ledger(Workspace.open(workspace, create=False), repository)


def find(ledger: "Ledger", prefix: str) -> "TaskRecord":
    """Raises: UnknownName; UserError for several."""
    from bloomery.core.errors import UnknownName, UserError

    tasks = ledger.workspace.catalog.queue.tasks(root=ledger.root)
    found = [task for task in tasks if prefix and task.name.startswith(prefix)]
    if len(found) > 1:
        raise UserError(f"'{prefix}' begins {len(found)} tasks; give more of it")
    if not found:
        raise UnknownName("task", prefix, [task.name for task in tasks])
    return found[0]


def print_tasks(tasks: "Sequence[TaskRecord]") -> None:
    print_table(
        ["task", "files", "goal", "method", "priority", "state", "attempts", "agent", "why"],
        [
            [one.name, ", ".join(one.paths), one.goal, one.method, one.priority, one.state, one.attempts,
             one.agent, one.reason]
            for one in tasks
        ],
        wrapped=["files", "why"],
        empty="nothing; `bloomery queue add FILE` asks for something",
    )  # fmt: skip


def print_conflicts(found: "Sequence[ConflictRecord]") -> None:
    print_table(
        ["conflict", "one", "other", "where", "why"],
        [
            [item.name, short(item.one), short(item.other), ", ".join(item.overlaps), item.reason]
            for item in found
        ],
        wrapped=["where", "why"],
        empty="nothing waits for a person",
    )
    if found:
        say(f"\nnext: bloomery queue show {found[0].name}")


def print_summary(done: "Summary") -> None:
    states: dict[str, Any] = {}
    for task in done.tasks:
        states[task.state] = states.get(task.state, 0) + 1
    ready = list(dict.fromkeys(one.cid for one in done.offers if one.state == "ready"))
    waiting = [one for one in done.conflicts if one.state == "open"]
    print_fields([
        ("tasks", ", ".join(f"{count} {state}" for state, count in states.items()) or "none"),
        ("patches put up", len(ready)),
        ("refused", len({one.cid for one in done.offers if one.state == "refused"})),
        ("conflicts", f"{len(done.conflicts)}, {len(waiting)} of them for a person"),
        ("agents died", done.deaths),
    ])  # fmt: skip
    for cid in ready:
        say(f"  {cid}")
    if waiting:
        say(f"\nnext: bloomery queue show {waiting[0].name}")
    elif ready:
        say(f"\nnext: bloomery patches show {short(ready[0])}")


def print_task(task: "TaskRecord", offers: "Sequence[OfferRecord]") -> None:
    print_fields([
        ("task", task.name), ("files", ", ".join(task.paths)), ("goal", task.goal), ("method", task.method),
        ("state", task.state), ("attempts", f"{task.attempts} of {task.most_attempts}"),
        ("agent", task.agent), ("why", task.reason or None),
    ])  # fmt: skip
    print_table(
        ["patch", "state", "became", "why"],
        [[short(one.cid), one.state, short(one.became) if one.became else "", one.reason] for one in offers],
        title="\noffered",
        wrapped=["why"],
        empty="nothing",
    )
