"""bloomery agents and bloomery stats: who is at work, and what has come of it."""

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Annotated, Any

import typer

from bloomery.cli.options import DEFAULT_WORKSPACE, AsJson, WorkspacePath, print_json
from bloomery.cli.tables import print_fields, print_table
from bloomery.cli.wording import Coloured, number, span

if TYPE_CHECKING:
    from bloomery.core.catalog import AgentRecord
    from bloomery.core.workspace import Workspace
    from bloomery.optimize.statistics import Figure

app = typer.Typer(help="The agents that work on a repository's queue.", no_args_is_help=True)
STATES = {"working": "cyan", "validating": "cyan", "dead": "red", "idle": "green"}
BAR = 20  # columns of a full bar


@app.command("list")
def list_them(workspace: WorkspacePath = DEFAULT_WORKSPACE, as_json: AsJson = False) -> None:
    """List the agents: what each is at, when it was last heard of, how its tasks ended."""
    opened = _opened(workspace)
    found = opened.catalog.agents.all()
    if as_json:
        print_json([_plain(opened, one) for one in found])
        return
    print_table(
        ["agent", "state", "task", "heard of", "done", "failed", "lost"],
        [
            [one.name, _state(opened, one), one.task, f"{_ago(one)} ago", one.done, one.failed, one.lost]
            for one in found
        ],
        empty="none has been at work; `bloomery queue process` starts some",
    )


@app.command()
def status(
    name: Annotated[str, typer.Argument(help="The agent.")],
    workspace: WorkspacePath = DEFAULT_WORKSPACE,
    as_json: AsJson = False,
) -> None:
    """Show one agent: its process, its worktree, its task, and the tasks that it ended."""
    opened = _opened(workspace)
    agent = opened.catalog.agents.agent(name)
    tasks = [task for task in opened.catalog.queue.tasks() if task.agent == name]
    if as_json:
        print_json({**_plain(opened, agent), "tasks": tasks})
        return
    print_fields([
        ("agent", agent.name), ("state", _state(opened, agent)), ("task", agent.task),
        ("worktree", agent.worktree), ("process", f"{agent.pid} on {agent.host}"),
        ("started", agent.started_at), ("heard of", f"{_ago(agent)} ago"), ("done", agent.done),
        ("failed", agent.failed), ("lost", agent.lost), ("last words", agent.reason or None),
    ])  # fmt: skip
    print_table(
        ["task", "files", "state", "attempts", "why"],
        [[one.name, ", ".join(one.paths), one.state, one.attempts, one.reason] for one in tasks],
        title="\ntasks",
        wrapped=["files", "why"],
        empty="none",
    )


def stats(
    workspace: WorkspacePath = DEFAULT_WORKSPACE,
    days: Annotated[int, typer.Option(help="Only the last so many days; 0: all.", min=0)] = 0,
    as_json: AsJson = False,
) -> None:
    """Show what agents have done: success, approval, use of models and GitHub, changes, conflicts, rollbacks.

    What was never recorded is unknown, and said to be.
    """
    from bloomery.optimize.statistics import statistics

    since = datetime.now(UTC) - timedelta(days=days) if days else None
    figures = statistics(_opened(workspace), since=since)
    if as_json:
        print_json([{**vars(one), "state": one.state} for one in figures])
        return
    print_table(
        ["", "figure", "value", "of", "share"],
        [[*_names(figures, at), *_cells(one)] for at, one in enumerate(figures)],
    )


def _names(figures: "tuple[Figure, ...]", at: int) -> tuple[str, str]:
    """The group only where it begins."""
    begins = at == 0 or figures[at - 1].group != figures[at].group
    return figures[at].group if begins else "", figures[at].name


def _cells(one: "Figure") -> tuple[Any, ...]:
    if one.value is None:
        return Coloured("unknown", "yellow"), None, one.note
    if one.unit == "share":
        return f"{100 * one.value:.0f} %", one.of, _bar(one.value)
    return f"{number(one.value)} {one.unit}".rstrip(), one.of, ""


def _bar(share: float) -> str:
    full = round(BAR * share)
    return "█" * full + "░" * (BAR - full)


def _opened(path: Any) -> "Workspace":
    from bloomery.core.workspace import Workspace

    return Workspace.open(path, create=False)


def _state(opened: "Workspace", agent: "AgentRecord") -> Coloured:
    """What it says it is at; that it is dead where its process is not there any more."""
    word = _plain(opened, agent)["state"]
    return Coloured(word, STATES.get(word, "reset"))


def _plain(opened: "Workspace", agent: "AgentRecord") -> dict[str, Any]:
    from bloomery.optimize.coordinating.crew import is_alive

    ended = agent.state in ("stopped", "dead")
    state = agent.state if ended or is_alive(opened, agent) else "dead"
    return {**vars(agent), "state": state}


def _ago(agent: "AgentRecord") -> str:
    return span((datetime.now(UTC) - agent.seen_at).total_seconds())
