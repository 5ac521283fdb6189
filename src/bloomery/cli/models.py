"""bloomery models: what was forged."""

import sys
from pathlib import Path
from string import ascii_uppercase
from typing import Annotated

import typer

from bloomery.cli.options import DEFAULT_WORKSPACE, AsJson, Wide, WorkspacePath, print_json
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

    opened = Workspace.open(workspace, create=False)
    found = list_models(opened)
    if as_json:
        print_json(found)
        return
    rows = [
        [one.step or one.name, one.created_at, one.facts.get("parameters"),
         size(one.size_bytes) if opened.store.has(one.cid) else "removed", short(one.cid, wide=wide),
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
    models: Annotated[list[str], typer.Argument(help="Two or more models.")],
    workspace: WorkspacePath = DEFAULT_WORKSPACE,
    as_json: AsJson = False,
) -> None:
    """Compare models by what was measured on each; what was not measured is left empty."""
    from bloomery.core.workspace import Workspace
    from bloomery.forge.library import compare_models

    rows = compare_models(Workspace.open(workspace, create=False), models)
    if as_json:
        print_json(rows)
        return
    letters = dict(zip(models, ascii_uppercase, strict=False))
    print_fields((letter, name) for name, letter in letters.items())
    print_table(
        ["", *letters.values()],
        [[row, *(values.get(name) for name in letters)] for row, values in rows.items()],
        title="\nwhat was measured on each",
    )


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

    opened = Workspace.open(workspace, create=False)
    found = find_model(opened, model)
    if not yes and (as_json or not sys.stdin.isatty()):
        raise UserError(f"removing {found.step or found.name} needs an answer: say --yes")
    if not yes:
        question = f"remove {found.step or found.name} ({size(found.size_bytes)}, {found.cid})?"
        typer.confirm(question, abort=True, err=True)
    removed = remove_model(opened, found.cid)
    if as_json:
        print_json({"cid": removed.cid, "size_bytes": removed.size_bytes})
    else:
        typer.echo(f"removed {removed.cid} ({size(removed.size_bytes)})")
