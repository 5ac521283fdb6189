"""Options that many commands share, and results as JSON."""

import dataclasses
import json
import math
from collections.abc import Mapping
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

import typer

if TYPE_CHECKING:
    from bloomery.core.workspace import Workspace

WorkspacePath = Annotated[
    Path,
    typer.Option(
        "--workspace",
        "-w",
        envvar="BLOOMERY_WORKSPACE",
        help="The folder with the store, the catalog and the runs.",
    ),
]
AsJson = Annotated[bool, typer.Option("--json", help="Print the result as JSON, and nothing else.")]
Wide = Annotated[bool, typer.Option("--wide", help="Full CIDs, and every column.")]
Overrides = Annotated[
    list[str],
    typer.Option(
        "--set",
        help="Override a value: stages.cognate.base.steps=200. May be given often.",
        metavar="KEY=VALUE",
    ),
]
Engine = Annotated[
    Literal["processes", "ray", "inline"],
    typer.Option("--engine", help="What evaluates candidates; the results are the same on each."),
]
Track = Annotated[
    Literal["tensorboard", "wandb", "trackio"] | None,
    typer.Option(
        "--track", help="Send metrics there too, into the workspace; Weights & Biases stays offline."
    ),
]
Base = Annotated[
    str,
    typer.Option("--base", "-b", help="The model: a folder of a Hugging Face causal LM, a CID, or a name."),
]
Output = Annotated[Path, typer.Option("--output", "-o", help="The folder to write; it must not exist.")]
Tasks = Annotated[list[str], typer.Option("--task", "-t", help="A task or a data set; may be given often.")]
Count = Annotated[int, typer.Option(help="Held-out examples a task, if it has so many.", min=1)]
Difficulties = Annotated[
    list[int], typer.Option("--difficulty", "-d", help="Default: the task's first four.")
]
ExamSeed = Annotated[
    int,
    typer.Option(help="Which held-out examples: unseen in training, some may have chosen in a run.", min=0),
]

DEFAULT_WORKSPACE = Path(".bloomery")


def opened(path: Path) -> "Workspace | None":
    """The workspace, where there is one: a model may be named by its folder alone."""
    from bloomery.core.workspace import Workspace

    named = path != DEFAULT_WORKSPACE and path.exists()  # and then a wrong name is told
    return Workspace.open(path, create=False) if named or Workspace.is_at(path) else None


def print_json(value: Any) -> None:
    """One JSON value on standard output. Moments are ISO 8601; what is not a finite number is null."""
    typer.echo(json.dumps(plain(value), indent=2, allow_nan=False))


def plain(value: Any) -> Any:
    """What JSON can hold."""
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        return {field.name: plain(getattr(value, field.name)) for field in dataclasses.fields(value)}
    if isinstance(value, Mapping):
        return {str(key): plain(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [plain(item) for item in value]
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    if isinstance(value, datetime):
        return value.isoformat()
    return value if isinstance(value, bool | int | None) else str(value)
