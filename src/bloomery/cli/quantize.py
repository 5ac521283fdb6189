"""bloomery quantize: a model's linear layers as trits, by rounding or by training towards them."""

from typing import TYPE_CHECKING, Annotated, Any, Literal

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
from bloomery.cli.tables import print_fields
from bloomery.forge.settings import FitConfig, TernaryConfig

if TYPE_CHECKING:
    from pathlib import Path

ROUNDED = "by rounding: nothing was trained (--steps N --task NAME trains towards trits)"
Threshold = Annotated[float, typer.Option(help="Weights below this share of the mean |w| become 0.", min=0)]
PerRow = Annotated[bool, typer.Option("--per-row", help="A scale for each row of a matrix, not one for all.")]
Scaling = Annotated[
    Literal["absmean", "least_squares"],
    typer.Option(help="The scale: the mean |w| of all weights, or of those that are not 0."),
]
Bits = Annotated[int, typer.Option(help="Bits of a weight in matrices that are not trits.", min=2, max=8)]
Skip = Annotated[
    list[str], typer.Option(help="Linear layers that stay, by pattern (*.gate_proj); may be given often.")
]
Steps = Annotated[int | None, typer.Option(help="Train on the tasks for so many optimizer steps.", min=1)]
Rate = Annotated[float | None, typer.Option("--lr", help="Training: its rate. Default: bitnet's.", min=0)]
Batch = Annotated[int | None, typer.Option(help="Training: examples in a step. Default: 16.", min=1)]
SeqLen = Annotated[
    int | None, typer.Option(help=f"Training: tokens in a row. Default: {FitConfig.seq_len}.", min=2)
]
Every = Annotated[int | None, typer.Option(help="Training: steps between checkpoints. Default: 100.", min=1)]
WarmUp = Annotated[
    float | None,
    typer.Option(help="Training: share of it that turns quantization up. Default: bitnet's.", min=0, max=1),
]
Seed = Annotated[int | None, typer.Option(help="Training: which examples. Default: 0.", min=0)]


def quantize(
    base: Base,
    output: Output,
    threshold: Threshold = TernaryConfig.threshold,
    per_row: PerRow = TernaryConfig.per_row,
    scaling: Scaling = TernaryConfig.scaling,
    embedding_bits: Bits = TernaryConfig.embedding_bits,
    skip: Skip = [],
    task: Tasks = [],
    difficulty: Difficulties = [],
    count: Count = 256,
    steps: Steps = None,
    lr: Rate = None,
    batch: Batch = None,
    seq_len: SeqLen = None,
    checkpoint_every: Every = None,
    warmup: WarmUp = None,
    seed: Seed = None,
    workspace: WorkspacePath = DEFAULT_WORKSPACE,
    as_json: AsJson = False,
) -> None:
    """Make a model's linear layers ternary and write a packed folder, which plain transformers loads.

    Only layers that are torch.nn.Linear become ternary; a model without any, such as GPT-2, is refused.
    Without --steps the weights are rounded; with them the model is first trained towards trits on the tasks.
    A training that was stopped or killed goes on when the same command is given again. Held-out examples of
    the tasks say what it costs.
    """
    from bloomery.forge.bitnet.quantizing import quantize_folder
    from bloomery.forge.comparing import look_at
    from bloomery.forge.compression.calibration_rows import mixture_of
    from bloomery.forge.folders import check_free
    from bloomery.forge.library import model_folder
    from bloomery.forge.resumable import forget_finished

    fitting = {"lr": lr, "batch": batch, "seq_len": seq_len, "checkpoint_every": checkpoint_every}
    tuning = {"warmup": warmup, "seed": seed}
    config = TernaryConfig(threshold=threshold, per_row=per_row, scaling=scaling,
                           embedding_bits=embedding_bits, skip=tuple(skip))  # fmt: skip
    mixture = mixture_of(task, difficulty)
    _check(steps, task, fitting | tuning)
    forget_finished(output)
    check_free(output)
    folder = model_folder(opened(workspace), base)
    before = look_at(folder, task, count=count, difficulties=difficulty)
    if steps is None:
        turned = quantize_folder(folder, output, config)
    else:
        turned = _tuned(folder, output, config, mixture, _given(fitting | {"steps": steps}), _given(tuning))
    after = look_at(output, task, count=count, difficulties=difficulty)
    if as_json:
        print_json({"folder": output, "trained_steps": steps or 0, "ternary_layers": turned, "before": before,
                    "after": after})  # fmt: skip
        return
    how = ROUNDED if steps is None else f"by training towards trits, {steps} steps"
    print_fields([("model", output), ("ternary", f"{len(turned)} linear layers"), ("made", how)])
    print_cost(before, after)


def _tuned(
    folder: "Path",
    output: "Path",
    config: TernaryConfig,
    mixture: dict[str, Any],
    fitting: dict[str, Any],
    tuning: dict[str, Any],
) -> list[str]:
    from bloomery.cli.progress import watching
    from bloomery.core.log import set_level
    from bloomery.core.step import Paused
    from bloomery.forge.bitnet.tuned_folder import tune_folder
    from bloomery.forge.fine_tuning import fine_tuning

    set_level("warning")
    try:
        with watching({"train": 1}) as watch:
            return tune_folder(
                folder, output, config, fine_tuning(mixture, preset="bitnet", **fitting), **tuning,
                watch=lambda done, total, text: watch("train", done, total, text),
            )  # fmt: skip
    except Paused as paused:
        raise Paused(f"{paused}: the same command goes on") from paused


def _check(steps: int | None, tasks: list[str], training: dict[str, Any]) -> None:
    from bloomery.core.errors import UserError

    if steps is not None and not tasks:
        raise UserError("--steps trains on generated tasks, and none is named: give --task NAME")
    if steps is None and (unread := sorted(_given(training))):
        names = ", ".join("--" + name.replace("_", "-") for name in unread)
        raise UserError(f"{names}: of the training, and nothing is trained; give --steps N, or leave it out")


def _given(values: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in values.items() if value is not None}
