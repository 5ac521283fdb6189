"""bloomery queue: what agents are asked to do, what came of it, and what a person has to decide."""

from pathlib import Path
from typing import Annotated, Literal

import typer

from bloomery.cli.optimize import Description, How, Most, Paths, Rivals, Seed, Strictness, TestPaths, Wanted
from bloomery.cli.options import DEFAULT_WORKSPACE, AsJson, WorkspacePath, print_json
from bloomery.cli.queued import find, ledger_of, print_conflicts, print_summary, print_task, print_tasks
from bloomery.cli.tables import say
from bloomery.cli.wording import short

app = typer.Typer(help="Tasks for agents, worked on by several at once.", no_args_is_help=True)
Repo = Annotated[Path, typer.Option("--repository", "-C", help="The repository, or a folder in it.")]
TaskName = Annotated[str, typer.Argument(metavar="TASK", help="The task's name, or its beginning.")]


@app.command()
def add(
    paths: Paths,
    goal: Wanted = "speed",
    method: How = "test-driven",
    tests: TestPaths = [],
    level: Strictness = "standard",
    rivals: Rivals = 5,
    most: Most = 40,
    description: Description = "",
    seed: Seed = 0,
    priority: Annotated[int, typer.Option(help="From 0 to 100, the highest first.", min=0, max=100)] = 50,
    together: Annotated[bool, typer.Option("--together", help="One task for all files.")] = False,
    workspace: WorkspacePath = DEFAULT_WORKSPACE,
    as_json: AsJson = False,
) -> None:
    """Ask for something: a task for each file, done by `bloomery queue process`."""
    from dataclasses import replace

    from bloomery.core.workspace import Workspace
    from bloomery.optimize.coordinating import enqueue
    from bloomery.optimize.targets import named

    asked = named(
        paths, goal, tests=tests, level=level, rivals=rivals, most=most, description=description, seed=seed
    )
    parts = [asked.task.paths] if together else [(path,) for path in asked.task.paths]
    opened = Workspace.open(workspace)
    tasks = [
        enqueue(opened, replace(asked.task, paths=part), method=method, priority=priority) for part in parts
    ]
    if as_json:
        print_json(tasks)
        return
    for note in asked.notes:
        say(f"note: {note}")
    print_tasks(tasks)


@app.command("list")
def list_them(
    state: Annotated[
        Literal["all", "waiting", "leased", "done", "failed", "cancelled"], typer.Option(help="Only those.")
    ] = "all",
    escalated: Annotated[
        bool, typer.Option("--escalated", help="What waits for a person: patches that exclude each other.")
    ] = False,
    repository: Repo = Path(),
    workspace: WorkspacePath = DEFAULT_WORKSPACE,
    as_json: AsJson = False,
) -> None:
    """List the tasks in the order in which they are done, or the conflicts that wait for a person."""
    ledger = ledger_of(workspace, repository)
    catalog = ledger.workspace.catalog
    if escalated:
        found = catalog.conflicts.all("open", root=ledger.root)
        print_json(found) if as_json else print_conflicts(found)
        return
    tasks = catalog.queue.tasks(None if state == "all" else state, root=ledger.root)
    if as_json:
        print_json(tasks)
        return
    print_tasks(tasks)
    if waiting := len(catalog.conflicts.all("open", root=ledger.root)):
        say(f"\n{waiting} conflicts wait for a person; see `bloomery queue list --escalated`")


@app.command()
def process(
    agents: Annotated[int, typer.Option("--agents", help="Processes that work side by side.", min=1)] = 2,
    engine: Annotated[
        Literal["spawned", "ray", "inline"],
        typer.Option(help="spawned: on this machine, watched; ray: on a cluster that shares the folders."),
    ] = "spawned",
    network: Annotated[
        bool,
        typer.Option("--network/--no-network", help="--no-network: none may use it, whatever the rules say."),
    ] = True,
    repository: Repo = Path(),
    workspace: WorkspacePath = DEFAULT_WORKSPACE,
    as_json: AsJson = False,
) -> None:
    """Have agents do what waits, and settle what they offer; nothing in the tree is changed.

    Stopped or killed, it goes on when it is started again.
    """
    from bloomery.core.log import set_level
    from bloomery.core.workspace import Workspace
    from bloomery.optimize.changes.access import without_network
    from bloomery.optimize.coordinating import Crew, coordinate

    set_level("error")
    rules = None if network else without_network(ledger_of(workspace, repository).rules)
    crew = Crew(agents=agents, engine=engine, rules=rules)

    def told(event: str, subject: str) -> None:
        typer.echo(f"{event} {short(subject)}", err=True)

    done = coordinate(Workspace.open(workspace, create=False), repository, crew, told=told)
    if as_json:
        print_json(done)
    else:
        print_summary(done)


@app.command()
def show(
    name: Annotated[str, typer.Argument(help="A conflict or a task, or the beginning of its name.")],
    repository: Repo = Path(),
    workspace: WorkspacePath = DEFAULT_WORKSPACE,
    as_json: AsJson = False,
) -> None:
    """Show a conflict with both sides, or a task with what came of it."""
    from bloomery.optimize.coordinating.escalating import show as shown

    ledger = ledger_of(workspace, repository)
    catalog = ledger.workspace.catalog
    for conflict in catalog.conflicts.all(root=ledger.root):
        if conflict.name.startswith(name):
            page = shown(ledger, conflict) if conflict.shown else ""
            print_json({**vars(conflict), "page": page}) if as_json else say(page or conflict.reason)
            return
    task = find(ledger, name)
    offers = [one for one in catalog.conflicts.offers(root=ledger.root) if one.task == task.name]
    if as_json:
        print_json({**vars(task), "offers": offers})
        return
    print_task(task, offers)


@app.command()
def resolve(
    conflict: Annotated[str, typer.Argument(help="The conflict's name, or its beginning.")],
    choice: Annotated[
        Literal["one", "other", "neither", "merged"], typer.Argument(help="Which side; merged: --patch.")
    ],
    patch: Annotated[str | None, typer.Option(help="With merged: the patch that does what both do.")] = None,
    by: Annotated[str, typer.Option("--by", help="Who decides. Default: git's user.name.")] = "",
    reason: Annotated[str, typer.Option(help="Why, for the record.")] = "",
    repository: Repo = Path(),
    workspace: WorkspacePath = DEFAULT_WORKSPACE,
    as_json: AsJson = False,
) -> None:
    """Decide a conflict; `bloomery queue process` then goes on with what was chosen."""
    from bloomery.optimize.coordinating import resolve as settle

    ledger = ledger_of(workspace, repository)
    who = by or ledger.repository.ask("config", "user.name").out.decode().strip()
    decided = settle(ledger, conflict, choice, by=who, patch=patch, reason=reason)
    print_json(decided) if as_json else say(f"{decided.name}: {choice}, by {who}")


@app.command()
def retry(
    name: TaskName,
    repository: Repo = Path(),
    workspace: WorkspacePath = DEFAULT_WORKSPACE,
    as_json: AsJson = False,
) -> None:
    """Let a task that has ended wait anew."""
    from bloomery.optimize.coordinating.asking import now

    ledger = ledger_of(workspace, repository)
    task = ledger.workspace.catalog.queue.put_back(find(ledger, name).name, now=now())
    print_json(task) if as_json else print_tasks([task])


@app.command()
def clear(
    names: Annotated[list[str] | None, typer.Argument(metavar="TASK...", help="Only these.")] = None,
    waiting: Annotated[bool, typer.Option("--waiting", help="Also what was not done yet.")] = False,
    repository: Repo = Path(),
    workspace: WorkspacePath = DEFAULT_WORKSPACE,
    as_json: AsJson = False,
) -> None:
    """Remove tasks that have ended; those that are named, or with --waiting, are cancelled first.

    Patches that came of them, and what was decided, stay.
    """
    from bloomery.optimize.coordinating.asking import now

    ledger = ledger_of(workspace, repository)
    queue = ledger.workspace.catalog.queue
    chosen = [find(ledger, name) for name in names] if names else queue.tasks(root=ledger.root)
    if names or waiting:
        for task in chosen:
            queue.cancel(task.name, now=now(), reason="cleared")
    before = {task.name for task in queue.tasks(root=ledger.root)}
    queue.forget([task.name for task in chosen])
    gone = sorted(before - {task.name for task in queue.tasks(root=ledger.root)})
    print_json({"removed": gone}) if as_json else say(f"{len(gone)} tasks removed")
