"""bloomery github: patches as pull requests, approved there, merged when they still hold, taken back out."""

from pathlib import Path
from typing import Annotated, Literal

import typer

from bloomery.cli import github_pulls
from bloomery.cli.github_told import Files, Name, Repo, ledger_of, tell
from bloomery.cli.options import DEFAULT_WORKSPACE, AsJson, WorkspacePath, print_json
from bloomery.cli.tables import print_fields, say

app = typer.Typer(help="Patches as pull requests, and workflows for them.", no_args_is_help=True)
Goals = Literal["speed", "memory", "fix", "robustness", "security", "coverage"]


@app.command()
def init(
    target: Annotated[str, typer.Option(help="What the schedule optimizes: a file or a folder.")] = "src",
    goal: Annotated[Goals, typer.Option(help="What is to become better.")] = "speed",
    schedule: Annotated[str, typer.Option(help="When: five fields as of cron, in UTC.")] = "17 3 * * 1",
    python: Annotated[str, typer.Option(help="The version of Python there.")] = "3.11",
    install: Annotated[
        str, typer.Option(help="The command that installs bloomery and what the tests need.")
    ] = 'python -m pip install "bloomery[optimize,github]"',
    force: Annotated[bool, typer.Option("--force", help="Write anew what is there and different.")] = False,
    repository: Repo = Path(),
    as_json: AsJson = False,
) -> None:
    """Write the workflows that optimize and approve into a repository; read and commit them."""
    from bloomery.optimize.changes import Repository
    from bloomery.optimize.github import installing

    wishes = installing.Wishes(target=target, goal=goal, schedule=schedule, python=python, install=install)
    written = installing.install(Repository.open(repository).root, wishes, force=force)
    if as_json:
        print_json({"written": written})
        return
    for path in written:
        say(str(path))
    say("commit them" if written else "the workflows are as they should be")


@app.command()
def limit(
    least: Annotated[int, typer.Option(help="Enough are left from this number on.", min=0)] = 100,
    strict: Annotated[bool, typer.Option("--strict", help="Exit code 1 where they are not.")] = False,
    repository: Repo = Path(),
    repo: Name = "",
    workspace: WorkspacePath = DEFAULT_WORKSPACE,
    as_json: AsJson = False,
) -> int:
    """Say how many requests GitHub's rate limit leaves; asking is free. In a workflow: `enough` as output."""
    from bloomery.core.errors import Failure
    from bloomery.optimize.github.events import outputs, summary
    from bloomery.optimize.github.opening import connected, name_of

    ledger = ledger_of(workspace, repository)
    problem, left, of = "", 0, 0
    try:
        with connected(ledger, name_of(ledger.repository, repo)) as github:
            now = github.limit()
            left, of = int(now["remaining"]), int(now["limit"])
    except Failure as error:
        problem = str(error)
    enough = not problem and left >= least
    outputs({"enough": "true" if enough else "false"})
    told = problem or f"{left} of {of} requests are left" + ("" if enough else f", fewer than {least}")
    summary(f"Rate limit: {told}.")
    found = {"remaining": left, "limit": of, "enough": enough, "problem": problem}
    print_json(found) if as_json else say(told)
    return int(strict and not enough)


@app.command()
def task(
    target: Annotated[str, typer.Option(help="What is optimized where the event does not say it.")] = "src",
    goal: Annotated[Goals, typer.Option(help="The goal where the event does not say it.")] = "speed",
    repository: Repo = Path(),
    as_json: AsJson = False,
) -> None:
    """In a workflow: what its event asks to optimize, checked, as outputs for the next steps."""
    from dataclasses import asdict

    from bloomery.optimize.changes import Repository
    from bloomery.optimize.github import events, texts

    found = events.task(events.Event.of(), Repository.open(repository).root, target=target, goal=goal)
    plain = {name: "" if value is None else str(value) for name, value in asdict(found).items()}
    events.outputs(plain)
    events.summary(f"Goal {found.goal} for {texts.code(found.target)}.")
    print_json(found) if as_json else print_fields(list(plain.items()))


@app.command()
def publish(
    patches: Annotated[
        list[str], typer.Argument(metavar="[CID]...", help="Default: all that passed validation.")
    ] = [],
    issue: Annotated[int | None, typer.Option(help="The issue that they are for.", min=1)] = None,
    open_issue: Annotated[bool, typer.Option("--open-issue", help="Open an issue for each.")] = False,
    base: Annotated[str, typer.Option(help="The branch that they are for. Default: the default one.")] = "",
    description: Annotated[str, typer.Option(help="What was asked for; it is quoted.")] = "",
    files: Files = Path("patches"),
    offline: Annotated[bool, typer.Option("--offline", help="Ask GitHub nothing: write files.")] = False,
    repository: Repo = Path(),
    repo: Name = "",
    workspace: WorkspacePath = DEFAULT_WORKSPACE,
    as_json: AsJson = False,
) -> int:
    """Put patches up as draft pull requests, and what waits from earlier; nothing is sent twice.

    Where the limit is near or GitHub cannot be reached, they are written to files, and sent by the same
    command next time.
    """
    from bloomery.core.errors import UserError
    from bloomery.optimize.github import publishing
    from bloomery.optimize.github.opening import connected, name_of
    from bloomery.optimize.github.outbox import Outbox

    ledger = ledger_of(workspace, repository)
    name, chosen = name_of(ledger.repository, repo), patches or publishing.publishable(ledger)
    outbox = Outbox.of(ledger.workspace, name)
    wanted = publishing.Wanted(
        base=base or None, issue=issue, open_issue=open_issue, words=description, files=files
    )
    if offline:
        told = publishing.publish(ledger, None, outbox, chosen, wanted)
    else:
        with connected(ledger, name) as github:
            told = publishing.publish(ledger, github, outbox, chosen, wanted)
    tell(told, as_json=as_json)
    if isinstance(told.problem, UserError):
        raise told.problem
    return 0


@app.command()
def status(
    repository: Repo = Path(),
    repo: Name = "",
    workspace: WorkspacePath = DEFAULT_WORKSPACE,
    as_json: AsJson = False,
) -> None:
    """List what was put up and what waits; GitHub is not asked (`publish` does)."""
    from bloomery.optimize.github.opening import name_of
    from bloomery.optimize.github.outbox import Outbox
    from bloomery.optimize.github.publishing import Published

    ledger = ledger_of(workspace, repository)
    outbox = Outbox.of(ledger.workspace, name_of(ledger.repository, repo))
    tell(Published(tuple(outbox.all())), as_json=as_json, summarize=False)


app.command()(github_pulls.check)
app.command()(github_pulls.merge)
app.command()(github_pulls.revert)
