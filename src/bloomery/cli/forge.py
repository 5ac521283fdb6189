"""bloomery forge: recipes into models."""

import json
from collections.abc import Callable
from functools import partial
from typing import TYPE_CHECKING, Annotated, Any

import typer

from bloomery.cli.options import (
    DEFAULT_WORKSPACE,
    AsJson,
    Engine,
    Overrides,
    Track,
    WorkspacePath,
    print_json,
)
from bloomery.cli.runs import RunId, compare, list_runs, pause, print_outcome, status
from bloomery.cli.tables import print_table, say
from bloomery.cli.wording import shown, size, span

if TYPE_CHECKING:
    from bloomery.core.workspace import Workspace
    from bloomery.forge.pipeline import Forged, Plan

LONG = 40  # characters of a default that a table holds

app = typer.Typer(help="Forge small language models, stage by stage, with evidence.", no_args_is_help=True)


@app.command()
def run(
    recipe: Annotated[
        str, typer.Argument(help="A path, or a packaged recipe such as forge/quickstart.")
    ] = "forge/quickstart",
    overrides: Overrides = [],
    until: Annotated[
        str | None, typer.Option(help="The last stage to run. Default: the recipe's last.")
    ] = None,
    workspace: WorkspacePath = DEFAULT_WORKSPACE,
    estimate: Annotated[
        bool, typer.Option("--estimate", help="Say time and memory from a few measured steps; forge nothing.")
    ] = False,
    engine: Engine = "processes",
    track: Track = None,
    as_json: AsJson = False,
) -> None:
    """Run a recipe, or go on where it was stopped; what is already in the workspace is not computed again.

    Ctrl-C stops at once, SIGTERM and `bloomery forge pause` at the next checkpoint; nothing is lost. A gate
    that fails, with no earlier model to go back to, is exit code 1.
    """
    from bloomery.core.workspace import Workspace
    from bloomery.forge.pipeline import forge, plan

    planned = plan(recipe, overrides)
    planned = planned if until is None else planned.until(until)
    if estimate:
        _print_estimate(planned, as_json)
        return
    opened = Workspace.open(workspace)
    _run(planned, partial(forge, opened, planned, engine=engine), opened, track, as_json)


@app.command()
def resume(
    run_id: RunId = None,
    workspace: WorkspacePath = DEFAULT_WORKSPACE,
    engine: Engine = "processes",
    track: Track = None,
    as_json: AsJson = False,
) -> None:
    """Go on with a run that was paused, killed or failed."""
    from bloomery.core.workspace import Workspace
    from bloomery.forge.pipeline import plan_of_run
    from bloomery.forge.pipeline import resume as go_on
    from bloomery.forge.runs import find_run

    opened = Workspace.open(workspace, create=False)
    chosen = find_run(opened, run_id).run_id
    _run(plan_of_run(opened, chosen), partial(go_on, opened, chosen, engine=engine), opened, track, as_json)


@app.command()
def rollback(
    to: Annotated[str, typer.Option(help="The stage after which the model is wanted.")],
    run_id: RunId = None,
    workspace: WorkspacePath = DEFAULT_WORKSPACE,
    as_json: AsJson = False,
) -> None:
    """Ship the model as it was after a stage: a run of the recipe up to there, of what the store remembers.

    The run that is gone back in stays as it is.
    """
    from bloomery.core.workspace import Workspace
    from bloomery.forge.pipeline import forge, plan_of_run
    from bloomery.forge.runs import find_run

    opened = Workspace.open(workspace, create=False)
    planned = plan_of_run(opened, find_run(opened, run_id).run_id).until(to)
    _run(planned, partial(forge, opened, planned), opened, None, as_json)


app.command("list")(list_runs)
app.command()(compare)
app.command()(pause)
app.command()(status)


@app.command()
def stages(as_json: AsJson = False) -> None:
    """Print every stage's contract: what it takes, gives and records, its checks with bars, its config."""
    from bloomery.forge.stages import ORDER
    from bloomery.forge.stages.contracts import bar_of, contract

    found = [contract(stage) for stage in ORDER]
    if as_json:
        print_json(found)
        return
    for one in found:
        say(f"{one['name']}: {one['summary']}\n{one['source']}")
        for part in ("inputs", "outputs", "metrics"):
            rows = list(one[part].items())
            print_table(["name", "meaning"], rows, title=f"\n{part}", wrapped=["meaning"], empty="none")
        heads = ["check", "bar", "for", "setting", "meaning"]
        checks = [
            [name, bar_of(told), told["decides"], told["setting"], told["meaning"]]
            for name, told in one["checks"].items()
        ]
        print_table(heads, checks, title="\nchecks", wrapped=heads)
        fields = [
            [name, _in_short(one["defaults"].get(name)), words] for name, words in one["config"].items()
        ]
        print_table(["name", "default", "meaning"], fields, title="\nconfig", wrapped=["default", "meaning"])


@app.command()
def report(
    run_id: RunId = None, workspace: WorkspacePath = DEFAULT_WORKSPACE, as_json: AsJson = False
) -> None:
    """Write a run's report again and print its path (with --json: the report itself)."""
    from bloomery.core.report import report_data
    from bloomery.core.workspace import Workspace
    from bloomery.forge.pipeline import write_report
    from bloomery.forge.runs import find_run

    opened = Workspace.open(workspace, create=False)
    chosen = find_run(opened, run_id).run_id
    if as_json:
        print_json(report_data(opened.catalog, chosen))
    else:
        say(shown(write_report(opened, chosen)))


def _in_short(default: Any) -> str:
    """A default as a recipe would hold it; of what is long, how long it is."""
    text = "" if default is None else json.dumps(default)
    return text if len(text) <= LONG else f"{len(default)} entries"


def _run(
    planned: "Plan", go: "Callable[..., Forged]", workspace: "Workspace", track: str | None, as_json: bool
) -> None:
    """Run, and show what became of it: also of a run that was paused, or whose gate failed."""
    from bloomery.cli.progress import watching
    from bloomery.core.errors import GateFailed
    from bloomery.core.log import set_level
    from bloomery.core.step import Paused
    from bloomery.forge.runs import show_run
    from bloomery.forge.tracking import tracking

    set_level("warning")  # progress is for people; the whole log is in the run's folder
    stopped, run_id = None, None
    try:
        tracked = tracking(track, workspace.root, planned.name)
        with watching(planned.work()) as watch, tracked as sink:
            run_id = go(watch=watch, sink=sink).run_id
    except (Paused, GateFailed) as outcome:
        stopped = outcome
    card = show_run(workspace, run_id)
    if as_json:
        print_json(card)
    else:
        print_outcome(card)
    if isinstance(stopped, Paused):
        raise Paused(f"{stopped}: `bloomery forge resume {card.run.run_id} -w {shown(workspace.root)}`")
    if stopped is not None:
        raise stopped


def _print_estimate(planned: "Plan", as_json: bool) -> None:
    from bloomery.forge.pipeline import estimates as measured

    estimates = measured(planned)
    total_s = sum(part.total_s for parts in estimates.values() for part in parts)
    if as_json:
        print_json({"stages": estimates, "total_s": total_s})
        return
    rows: list[list[Any]] = [
        [f"{stage}.{e.part}", e.steps, e.unit, span(e.step_s), span(e.total_s), size(e.peak_bytes), e.bound]
        for stage, parts in estimates.items()
        for e in parts
    ]
    heads = ["part", "steps", "of", "a step", "in all", "memory", "at most: if"]
    print_table(heads, rows, wrapped=["at most: if"])
    say(f"\nin all {span(total_s)} on this machine, from measured steps; exams that only measure come on top")
