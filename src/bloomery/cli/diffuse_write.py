"""bloomery diffuse write: a program for a prompt, parsed, run and scored."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from bloomery.cli.options import DEFAULT_WORKSPACE, AsJson, WorkspacePath, print_json
from bloomery.cli.tables import print_fields, say

if TYPE_CHECKING:
    from bloomery.diffusion.code.prompting.writing import Candidate, Written

Prompt = Annotated[str, typer.Argument(help="Such as 'return the sum of the even numbers'.")]
Examples = Annotated[
    list[str] | None,
    typer.Option(
        "--example",
        help="What it should answer: 'f([1, 2]) == 2', or JSON '[[1, 2], 2]', input and result. Repeatable.",
    ),
]


def write(
    prompt: Prompt,
    language: Annotated[str, typer.Option(help="python, javascript, typescript, java or go.")] = "python",
    example: Examples = None,
    candidates: Annotated[int, typer.Option(help="Programs that compete.", min=1, max=64)] = 4,
    model: Annotated[
        str, typer.Option(help="A folder of a model, or one of the Hub by its name. Default: our own.")
    ] = "",
    out: Annotated[Path | None, typer.Option(help="Write the program there.")] = None,
    steps: Annotated[
        int | None, typer.Option(help="Of training our own model, the first time.", min=8)
    ] = None,
    trust_remote_code: Annotated[
        bool, typer.Option(help="Let a model of the Hub run code of its own.")
    ] = False,
    seed: Annotated[int, typer.Option(help="Equal seeds give equal programs.", min=0)] = 0,
    workspace: WorkspacePath = DEFAULT_WORKSPACE,
    as_json: AsJson = False,
) -> int:
    """Write a program for PROMPT; say whether it parses, runs, and passes the examples.

    Our own model knows the prompts of its grammar: one to three of 85 operations on numbers and texts, in
    many wordings. Any other prompt is refused, with the nearest that are understood. The first use trains it
    (minutes on one core); the workspace keeps it; stopped or killed, the same command goes on. Exit code 1
    where no program parses, or none passes all examples; a language that cannot be run here is not_run.
    """
    import torch

    from bloomery.core.errors import UnknownName
    from bloomery.diffusion.code.judging.program import LANGUAGES
    from bloomery.diffusion.code.prompting.asking import examples_from, fit_for
    from bloomery.diffusion.code.prompting.model import PromptModel
    from bloomery.diffusion.code.prompting.opening import opened
    from bloomery.diffusion.code.prompting.writing import proposer, understood
    from bloomery.diffusion.code.prompting.writing import write as written

    if language not in LANGUAGES:
        raise UnknownName("language", language, LANGUAGES)
    given = examples_from(example or [])
    writer = opened(model, trust_remote_code=trust_remote_code) if model else None
    meaning = understood(prompt) if writer is None or isinstance(writer, PromptModel) else None
    if meaning is not None:
        fit_for(meaning, given)
    if writer is None:
        writer = _own(workspace, steps, seed)
    told = written(
        proposer(writer) if isinstance(writer, PromptModel) else writer,
        prompt, language, meaning=meaning, examples=given, candidates=candidates,
        generator=torch.Generator().manual_seed(seed),
    )  # fmt: skip
    if out is not None:
        out.parent.mkdir(parents=True, exist_ok=True)
        out.write_text(told.best.source, encoding="utf-8")
    _show(told, out, as_json=as_json)
    return 0 if told.best.parses and told.best.score in (None, 1.0) else 1


def _own(workspace: Path, steps: int | None, seed: int) -> Any:
    """The workspace's model, trained where it has none."""
    from bloomery.cli.progress import watching
    from bloomery.core.log import set_level
    from bloomery.core.workspace import Workspace
    from bloomery.diffusion.code.prompting.trained import STEP, model_of

    set_level("warning")
    with watching({STEP: 1}) as watch:
        return model_of(Workspace.open(workspace), steps=steps, watch=watch)


def _show(told: "Written", out: Path | None, *, as_json: bool) -> None:
    if as_json:
        print_json(
            {"prompt": told.prompt, "language": told.language, "code": told.best.source}
            | _found(told.best)
            | {"passes": told.passes, "seconds": told.seconds, "out": str(out) if out else None}
            | {"candidates": [{"code": one.source} | _found(one) for one in told.candidates]}
        )
        return
    say(told.best.source.rstrip("\n"))
    say("")
    found = _found(told.best) | {"candidates": len(told.candidates), "passes": told.passes, "out": out}
    print_fields([(name, str(value)) for name, value in found.items() if value not in (None, "")])


def _found(one: "Candidate") -> dict[str, Any]:
    return {
        "parses": one.parses,
        "runs": one.runs.value,
        "score": one.score,
        "reason": one.judgement.reason if one.score != 1.0 else "",
    }
