"""bloomery models: what was forged."""

import sys
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from string import ascii_uppercase
from typing import Annotated, Any

import typer

from bloomery.cli.options import (
    DEFAULT_WORKSPACE,
    AsJson,
    Count,
    Difficulties,
    ExamSeed,
    Tasks,
    Wide,
    WorkspacePath,
    opened,
    print_json,
)
from bloomery.cli.tables import print_evidence, print_fields, print_table
from bloomery.cli.wording import short, size

app = typer.Typer(help="The models of a workspace.", no_args_is_help=True)
Model = Annotated[
    str, typer.Argument(help="A CID or its beginning, <run>/<step>, or a step's name (the newest).")
]


@app.command("list")
def list_them(
    workspace: WorkspacePath = DEFAULT_WORKSPACE, wide: Wide = False, as_json: AsJson = False
) -> None:
    """List the models, oldest first."""
    from bloomery.core.workspace import Workspace
    from bloomery.forge.library import list_models

    there = Workspace.open(workspace, create=False)
    found = list_models(there)
    if as_json:
        print_json(found)
        return
    rows = [
        [one.step or one.name, one.created_at, one.facts.get("parameters"),
         size(one.size_bytes) if there.store.has(one.cid) else "removed", short(one.cid, wide=wide),
         *([one.run_id] if wide else [])]
        for one in found
    ]  # fmt: skip
    columns = ["model", "made", "weights", "size", "cid", *(["run"] if wide else [])]
    print_table(columns, rows, empty="no model yet; `bloomery forge run` makes one")


@app.command()
def show(model: Model, workspace: WorkspacePath = DEFAULT_WORKSPACE, as_json: AsJson = False) -> None:
    """Show a model: where it came from and what was measured on it."""
    from bloomery.core.workspace import Workspace
    from bloomery.forge.library import show_model

    card = show_model(Workspace.open(workspace, create=False), model)
    if as_json:
        print_json(card)
        return
    made = card.artifact
    print_fields([
        ("model", made.step or made.name), ("kind", made.kind), ("cid", made.cid), ("run", made.run_id),
        ("made", made.created_at), ("size", size(made.size_bytes)), *made.facts.items(),
        ("lineage", card.lineage.replace(" <- ", "\n         <- ")),
    ])  # fmt: skip
    if not card.in_store:
        typer.echo("its bytes were removed from the store; run its recipe again to make it anew")
    print_evidence(card.evidence, title="\nwhat was measured on it")


@app.command()
def compare(
    models: Annotated[list[str], typer.Argument(help="Folders, CIDs or names of two or more models.")],
    task: Tasks = [],
    count: Count = 256,
    difficulty: Difficulties = [],
    seed: ExamSeed = 7,
    workspace: WorkspacePath = DEFAULT_WORKSPACE,
    as_json: AsJson = False,
) -> None:
    """Compare models: bytes on disk, parameters and latency, measured now, and quality.

    With tasks, accuracy is measured now, too, on the same held-out examples. Beside it stands what the
    workspace recorded. What was not measured is left empty.
    """
    from bloomery.forge.comparing import WEIGHT_BYTES, compare_models

    found = compare_models(opened(workspace), models, task, count=count, difficulties=difficulty, seed=seed)
    if as_json:
        print_json(found)
        return
    letters = dict(zip(models, ascii_uppercase, strict=False))
    print_fields((letter, name) for name, letter in letters.items())
    columns = ["", *letters.values()]
    measured = _side_by_side(found.measured, letters, {WEIGHT_BYTES: size})
    print_table(columns, measured, title="\nmeasured now, on this machine")
    if found.recorded:
        print_table(columns, _side_by_side(found.recorded, letters, {}), title="\nwhat was recorded")


def _side_by_side(
    rows: Mapping[str, Mapping[str, Any]], names: Iterable[str], shown: Mapping[str, Callable[[float], str]]
) -> list[list[Any]]:
    return [
        [row, *(shown.get(row, _as_it_is)(values[name]) if name in values else None for name in names)]
        for row, values in rows.items()
    ]


def _as_it_is(value: Any) -> Any:
    return value


@app.command()
def export(
    model: Model,
    destination: Annotated[Path, typer.Argument(help="The folder to write; it must not exist.")],
    workspace: WorkspacePath = DEFAULT_WORKSPACE,
    as_json: AsJson = False,
) -> None:
    """Copy a model's folder out of the store; `transformers` loads it."""
    from bloomery.core.workspace import Workspace
    from bloomery.forge.library import export_model

    folder = export_model(Workspace.open(workspace, create=False), model, destination)
    if as_json:
        print_json({"folder": folder})
    else:
        typer.echo(folder)


@app.command()
def rm(
    model: Model,
    workspace: WorkspacePath = DEFAULT_WORKSPACE,
    yes: Annotated[bool, typer.Option("--yes", "-y", help="Do not ask.")] = False,
    as_json: AsJson = False,
) -> None:
    """Remove a model's bytes; its history stays, and its run can make it again."""
    from bloomery.core.errors import UserError
    from bloomery.core.workspace import Workspace
    from bloomery.forge.library import find_model, remove_model

    there = Workspace.open(workspace, create=False)
    found = find_model(there, model)
    if not yes and (as_json or not sys.stdin.isatty()):
        raise UserError(f"removing {found.step or found.name} needs an answer: say --yes")
    if not yes:
        question = f"remove {found.step or found.name} ({size(found.size_bytes)}, {found.cid})?"
        typer.confirm(question, abort=True, err=True)
    removed = remove_model(there, found.cid)
    if as_json:
        print_json({"cid": removed.cid, "size_bytes": removed.size_bytes})
    else:
        typer.echo(f"removed {removed.cid} ({size(removed.size_bytes)})")
