"""bloomery forge list, compare, pause and status: the runs of a workspace, for people."""

from typing import TYPE_CHECKING, Annotated

import typer

from bloomery.cli.options import DEFAULT_WORKSPACE, AsJson, WorkspacePath, print_json
from bloomery.cli.tables import print_evidence, print_fields, print_table, say
from bloomery.cli.wording import short, span, state, verdict

if TYPE_CHECKING:
    from bloomery.forge.runs import RunCard

RunId = Annotated[
    str | None, typer.Argument(help="A run's id, or its beginning. Default: the run that was last at work.")
]


def list_runs(workspace: WorkspacePath = DEFAULT_WORKSPACE, as_json: AsJson = False) -> None:
    """List the runs, oldest first: how each ended, and what it shipped."""
    from bloomery.core.workspace import Workspace
    from bloomery.forge.runs import show_run

    opened = Workspace.open(workspace, create=False)
    cards = [show_run(opened, record.run_id) for record in opened.catalog.runs()]
    if as_json:
        print_json(cards)
        return
    print_table(
        ["run", "recipe", "seed", "state", "started", "stages", "model"],
        [
            [card.run.run_id, card.run.recipe, card.run.seed, state(card.status), card.run.started_at,
             ", ".join(card.run.config.get("stages", {})), short(card.model) if card.model else ""]
            for card in cards
        ],
        wrapped=["stages"],
        empty="none yet; `bloomery forge run` starts one",
    )  # fmt: skip


def compare(
    run_ids: Annotated[list[str], typer.Argument(help="Two runs or more, by id or its beginning.")],
    workspace: WorkspacePath = DEFAULT_WORKSPACE,
    as_json: AsJson = False,
) -> None:
    """Compare runs: the settings in which they differ from the first, and what was measured in each."""
    from bloomery.core.workspace import Workspace
    from bloomery.forge.runs import compare_runs

    found = compare_runs(Workspace.open(workspace, create=False), *run_ids)
    if as_json:
        print_json(found)
        return
    for run_id, changes in found.settings.items():
        print_table(["setting"], [[line] for line in changes], title=f"\n{run_id}", empty="the same settings")
    ids = list(dict.fromkeys(run_id for row in found.evidence.values() for run_id in row))
    print_table(
        ["check", *ids],
        [[check, *(verdict(row.get(run_id)) for run_id in ids)] for check, row in found.evidence.items()],
        title="\nwhat was measured",
        empty="nothing",
    )


def pause(
    run_id: RunId = None, workspace: WorkspacePath = DEFAULT_WORKSPACE, as_json: AsJson = False
) -> None:
    """Ask a run to stop at its next checkpoint."""
    from bloomery.core.workspace import Workspace
    from bloomery.forge.runs import pause_run

    chosen = pause_run(Workspace.open(workspace, create=False), run_id).run_id
    if as_json:
        print_json({"run_id": chosen, "requested": "pause"})
    else:
        say(f"run {chosen} stops at its next checkpoint; `bloomery forge resume` goes on")


def status(
    run_id: RunId = None, workspace: WorkspacePath = DEFAULT_WORKSPACE, as_json: AsJson = False
) -> None:
    """Show where a run stands: its steps, and what was measured."""
    from bloomery.core.workspace import Workspace
    from bloomery.forge.runs import show_run

    card = show_run(Workspace.open(workspace, create=False), run_id)
    if as_json:
        print_json(card)
        return
    record = card.run
    print_fields([
        ("run", record.run_id), ("recipe", record.recipe), ("seed", record.seed), ("status", card.status),
        ("started", record.started_at), ("finished", record.finished_at),
    ])  # fmt: skip
    print_table(
        ["step", "status", "time", "note"],
        [[step.name, state(step.status), span(step.duration_s), step.reason] for step in card.steps],
        title="\nsteps",
        wrapped=["note"],
        empty="none was started",
    )
    print_outcome(card)


def print_outcome(card: "RunCard") -> None:
    if card.evidence:
        say(f"\nwhat was measured in run {card.run.run_id}")
    for stage, evidence in card.by_stage.items():
        print_evidence(evidence, title=f"\n{stage}")
    for step in card.steps:
        if step.status == "rolled_back":
            say(f"\n{step.name} was rolled back: {step.reason}")
    if any((card.folder, card.model, card.report)):
        say()
        print_fields([("model", card.folder), ("cid", card.model), ("report", card.report)])
