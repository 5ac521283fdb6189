"""bloomery compress: a model's matrices coded in a few bits a weight."""

from collections import Counter
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from bloomery.cli.options import (
    DEFAULT_WORKSPACE,
    AsJson,
    Base,
    Count,
    Difficulties,
    Output,
    Tasks,
    WorkspacePath,
    opened,
    print_json,
)
from bloomery.cli.quality import print_cost
from bloomery.cli.tables import print_fields, say

if TYPE_CHECKING:
    from bloomery.forge.compression.calibration_rows import Rows
    from bloomery.forge.compression.coded_folder import Coding

Coders = Annotated[
    list[str],
    typer.Option("--coder", help="What codes every matrix; with --bits, given often, what to choose from."),
]
Bits = Annotated[
    float | None,
    typer.Option(help="Mean bits a weight over the matrices, at most; each takes its own coder."),
]
Text = Annotated[
    Path | None,
    typer.Option(help="Calibrate on a plain text; what follows, as much again, gives perplexity."),
]
SeqLen = Annotated[int, typer.Option(help="Tokens in a row of calibration.", min=2)]
Examples = Annotated[int, typer.Option(help="Rows of calibration, at most.", min=1)]
Seed = Annotated[int, typer.Option(help="Which training examples calibrate.", min=0)]


def compress(
    base: Base,
    output: Output,
    coder: Coders = [],
    bits: Bits = None,
    text: Text = None,
    task: Tasks = [],
    difficulty: Difficulties = [],
    count: Count = 256,
    seq_len: SeqLen = 64,
    examples: Examples = 256,
    seed: Seed = 0,
    workspace: WorkspacePath = DEFAULT_WORKSPACE,
    as_json: AsJson = False,
) -> None:
    """Code a model's matrices and write a packed folder, which plain transformers loads.

    Calibrated, on a text or on the training examples of tasks, an error counts by what it changes in a
    layer's outputs; else all weights of a matrix count alike. Held-out examples of the tasks, and what
    follows in the text, say what it costs.
    """
    from bloomery.cli.progress import watching
    from bloomery.forge.comparing import look_at
    from bloomery.forge.compression.calibration_rows import rows_after
    from bloomery.forge.compression.coded_folder import CodingConfig, compress_folder
    from bloomery.forge.folders import check_free
    from bloomery.forge.library import model_folder

    config = CodingConfig(coders=tuple(coder), bits=bits)
    rows = _rows(text, task, difficulty, seq_len, examples, seed)
    check_free(output)
    folder = model_folder(opened(workspace), base)
    unseen = None if text is None else partial(rows_after, path=text, seq_len=seq_len, examples=examples)
    look = partial(look_at, tasks=task, count=count, difficulties=difficulty, text=unseen)
    before = look(folder)
    with watching({"code": 1}) as watch:
        coding = compress_folder(
            folder, output, config, calibration=rows,
            watch=lambda done, total, what: watch("code", done, total, what),
        )  # fmt: skip
    after = look(output)
    if as_json:
        print_json({"folder": output, "coding": coding, "before": before, "after": after})
        return
    print_fields([("model", output), *_told(coding)])
    print_cost(before, after)
    if text is not None and after.perplexity is None:
        say("\nperplexity: not measured, the text ends with what calibrates; fewer --examples leave some")


def _rows(
    text: Path | None, tasks: list[str], difficulties: list[int], seq_len: int, examples: int, seed: int
) -> "Rows | None":
    """What calibrates: the text where there is one, else the tasks."""
    from bloomery.forge.compression.calibration_rows import mixture_of, task_rows, text_rows

    mixture = mixture_of(tasks, difficulties)
    if text is not None:
        return partial(text_rows, path=text, seq_len=seq_len, examples=examples)
    if tasks:
        return partial(task_rows, mixture=mixture, seq_len=seq_len, examples=examples, seed=seed)
    return None


def _told(coding: "Coding") -> list[tuple[str, str]]:
    used = Counter(coding.coders.values())
    of = "the layers' outputs" if coding.calibrated else "the weights (not calibrated: all count alike)"
    return [
        ("coded by", ", ".join(f"{name} ({many})" for name, many in used.most_common())),
        ("bits", f"{coding.bits:.3g} a weight of a matrix, metadata counted"),
        ("lost", f"{coding.lost:.3g} of the energy of {of}, by mean"),
    ]
