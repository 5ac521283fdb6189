"""bloomery diffuse train: a code model of one's own repository."""

import threading
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

import typer

from bloomery.cli.options import AsJson, print_json
from bloomery.cli.tables import print_fields, say

if TYPE_CHECKING:
    from bloomery.diffusion.code.modelling.files import Gathered

Languages = Annotated[
    list[str],
    typer.Option(
        "--language", "-l", help="python, javascript, typescript, java, go; may be given often; or all."
    ),
]


def train(
    data: Annotated[
        Path | None,
        typer.Option(help="The folder to learn from. Default: Python's own standard library."),
    ] = None,
    languages: Languages = ["python"],
    out: Annotated[
        Path, typer.Option(help="The folder of the model, new or with this training in it.")
    ] = Path("code-model"),
    minutes: Annotated[
        float, typer.Option(help="Of training, by the pace of its first steps.", min=0.01)
    ] = 20,
    steps: Annotated[int | None, typer.Option(help="Of the optimizer, instead of minutes.", min=1)] = None,
    size: Annotated[Literal["tiny", "small", "base"], typer.Option(help="Of the net.")] = "small",
    seed: Annotated[int, typer.Option(help="Equal seeds and steps give equal models.", min=0)] = 0,
    as_json: AsJson = False,
) -> None:
    """Train a masked diffusion model on the code of a folder.

    Hidden, vendored and generated folders, binary and generated files are left out, and it is said which.
    Some files are never learned from: the bits a byte of these say how good the model is (8: no idea at all).
    Stopped or killed, the same command goes on. `bloomery diffuse fill --model` uses the result.
    """
    from bloomery.cli.progress import watching
    from bloomery.core.log import set_level
    from bloomery.core.sigterm import sigterm_sets
    from bloomery.diffusion.code.modelling.reporting import told, write_report
    from bloomery.diffusion.code.modelling.training import PARTS, ModellingConfig
    from bloomery.diffusion.code.modelling.training import train as go

    gathered = _gathered(data, languages)
    config = ModellingConfig(size=size, steps=steps or 0, minutes=0.0 if steps else minutes, seed=seed)
    _say_skipped(gathered)
    set_level("warning")
    stop = threading.Event()
    with watching(PARTS) as watch, sigterm_sets(stop):
        trained = go(gathered, out, config, tell=watch, should_stop=stop.is_set)
    write_report(trained, gathered, out)
    found = told(trained, gathered, out)
    if as_json:
        print_json(found)
    else:
        _show(found)


def _gathered(data: Path | None, languages: list[str]) -> "Gathered":
    """Raises: UserError where there is nothing to learn from."""
    from bloomery.core.errors import UserError
    from bloomery.diffusion.code.modelling.files import gather, languages_of, standard_library

    if data is not None:
        return gather(data, languages)
    others = [name for name in languages_of(languages) if name != "python"]
    if others:
        raise UserError(f"the standard library is Python; --data names a folder with {', '.join(others)}")
    return standard_library()


def _say_skipped(gathered: "Gathered") -> None:
    for reason, paths in gathered.skipped.items():
        some = ", ".join(paths[:3]) + (", ..." if len(paths) > 3 else "")
        typer.echo(f"left out, {reason}: {len(paths)} ({some})", err=True)


def _show(found: Mapping[str, Any]) -> None:
    held = found["held_out"]
    print_fields([
        ("bits a byte", f"{found['bits_per_byte']:.3f} ± {found['error']:.3f}"),
        ("measured on", f"{held['files']} files, {held['bytes']:,} bytes, never learned from"),
        ("languages", ", ".join(f"{name} ({count} files)" for name, count in found["languages"].items())),
        ("steps", found["steps"]),
        ("model", found["folder"]),
        ("report", found["report"]),
    ])  # fmt: skip
    say(f"fill a hole with it: bloomery diffuse fill FILE --hole 12:20 --model {found['folder']}")
