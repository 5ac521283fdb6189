"""bloomery diffuse fill: a hole in a file filled so that the file parses."""

import codecs
from pathlib import Path
from stat import S_IMODE
from typing import TYPE_CHECKING, Annotated, Any

import typer

from bloomery.cli.options import AsJson, print_json
from bloomery.cli.tables import say

if TYPE_CHECKING:
    from bloomery.diffusion.code.decoding.filling import Filled
    from bloomery.diffusion.code.decoding.holes import Hole

HOLE = "Lines as 12 or 12:20, or 12:5-12:20: from line 12, column 5, to before column 20; from 1."


def fill(
    file: Annotated[Path, typer.Argument(help="Python, JavaScript, TypeScript, Java or Go.")],
    hole: Annotated[str, typer.Option("--hole", help=HOLE)],
    model: Annotated[
        str,
        typer.Option(
            "--model", "-m", help="A folder that `diffuse train` wrote, or a model of the Hub by its name."
        ),
    ] = "code-model",
    length: Annotated[
        list[int] | None,
        typer.Option(help="Tokens in the hole; may be given often. Default: near what stands there.", min=1),
    ] = None,
    candidates: Annotated[int, typer.Option(help="Samples of each length that compete.", min=1, max=64)] = 1,
    temperature: Annotated[
        float | None, typer.Option(help="Of samples. Default: 0 for one, 0.7 for several.", min=0)
    ] = None,
    language: Annotated[str, typer.Option(help="Default: by the file's suffix.")] = "",
    write: Annotated[
        bool, typer.Option("--write", help="Change the file. Default: only show the diff.")
    ] = False,
    trust_remote_code: Annotated[
        bool, typer.Option(help="Let a model of the Hub run code of its own.")
    ] = False,
    seed: Annotated[int, typer.Option(help="Equal seeds give equal answers.", min=0)] = 0,
    as_json: AsJson = False,
) -> int:
    """Fill a HOLE of FILE with code that parses there, and print the diff.

    The hole goes from the first code in its lines to the last: indentation before it and every byte outside
    of it stay. What is in it now says only how long an answer may be. Tokens of our own models are committed
    only while the whole file can still be completed; models of the Hub have other tokens: their answers are
    parsed, and refused where they do not. Exit code 1, with the reasons, where nothing parses.
    """
    from bloomery.cli.progress import watching
    from bloomery.core.log import set_level
    from bloomery.diffusion.code.decoding.holes import hole_of
    from bloomery.source.languages.registry import language_of

    data, name = _read(file), language or language_of(file).name
    where = hole_of(data, hole)
    set_level("warning")
    options: dict[str, Any] = {"lengths": length, "samples": candidates, "seed": seed}
    with watching({"filling": 1}) as watch:
        options["watch"] = lambda done, total: watch("filling", done, total, f"{done} of {total} lengths")
        found = _filled(model, trust_remote_code, temperature, data, where, name, options)
    after = found.candidates[0].data if found.candidates else data
    if write and found.candidates:
        _write(file, data, after)
    told = _told(file, where, name, found)
    diff = _diff(file, data, after, name)
    if as_json:
        print_json(told | {"diff": diff, "written": bool(write and found.candidates)})
    elif found.candidates:
        say(diff.rstrip("\n") or "what fills the hole best is what stands there")
    else:
        typer.echo("refused: nothing that was tried parses there\n  " + "\n  ".join(found.reasons), err=True)
    return 0 if found.candidates else 1


def _read(file: Path) -> bytes:
    """Raises: UserError for a folder; MissingFile; FormatRefused for a file that is too large."""
    from bloomery.core.errors import UserError
    from bloomery.source.languages.decoding import read_bytes
    from bloomery.source.languages.parsing import MOST_BYTES

    if file.is_dir():
        raise UserError(f"{file} is a folder; name a file in it")
    return read_bytes(file, MOST_BYTES)


def _filled(
    model: str, trust: bool, temperature: float | None, data: bytes, hole: "Hole", language: str,
    options: dict[str, Any],
) -> "Filled":  # fmt: skip
    """By a folder of ours, or verified, by a model of the Hub."""
    from bloomery.core.errors import MissingFile
    from bloomery.diffusion.code.decoding.filling import fill as filled
    from bloomery.diffusion.code.lexemes.tokenizer import FILE

    folder = Path(model)
    if (folder / FILE).is_file():
        from bloomery.diffusion.code.modelling.model import CodeModel

        heat = temperature if temperature is not None else 0.7 if options["samples"] > 1 else 0.0
        return filled(CodeModel.load(folder), data, hole, language, temperature=heat, **options)
    if not folder.is_dir() and "/" not in model:
        raise MissingFile(
            f"no model at '{model}': train one on your code with "
            "`bloomery diffuse train --data DIR --out code-model`, or name one with --model"
        )
    from bloomery.diffusion.code.decoding.verifying import fill_verified
    from bloomery.diffusion.code.hub.opening import open_model

    return fill_verified(
        open_model(model, trust_remote_code=trust),  # type: ignore[arg-type]  # one without `fill` is refused
        data, hole, language, **options,
    )  # fmt: skip


def _write(file: Path, before: bytes, after: bytes) -> None:
    """Atomically, with the rights that the file has.

    Raises: UserError for a file that is no longer what was read: filling took a while.
    """
    from bloomery.core.disk import beside, full_disk_named
    from bloomery.core.errors import UserError

    if _read(file) != before:
        raise UserError(f"{file} was changed while its hole was filled; nothing was written: fill it again")
    target = file.resolve()
    with full_disk_named(target), beside(target) as folder:
        (folder / target.name).write_bytes(after)
        (folder / target.name).chmod(S_IMODE(target.stat().st_mode))
        (folder / target.name).replace(target)


def _diff(file: Path, before: bytes, after: bytes, language: str) -> str:
    from bloomery.source.diff.making import make
    from bloomery.source.diff.printing import printed
    from bloomery.source.languages.decoding import decode
    from bloomery.source.languages.registry import language as known

    name = file.as_posix().lstrip("/")
    mark = "\ufeff" if before.startswith(codecs.BOM_UTF8) else ""  # a part of the file that is changed
    texts = [{name: mark + decode(data, file, known(language))} for data in (before, after)]
    return printed(make(*texts).files)


def _told(file: Path, hole: "Hole", language: str, found: "Filled") -> dict[str, Any]:
    return {
        "file": str(file),
        "language": language,
        "hole": {"start": hole.start, "stop": hole.stop},
        "answered": bool(found.candidates),
        "candidates": [
            {"text": each.text.decode("utf-8", "replace"), "tokens": each.length, "sureness": each.sureness}
            for each in found.candidates
        ],
        "reasons": found.reasons,
        "counts": vars(found.counts),
    }
