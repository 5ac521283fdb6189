"""What coding the model and examining every candidate will take."""

from collections.abc import Mapping, Sequence
from functools import cache
from itertools import islice
from typing import Any

import torch
from transformers import PreTrainedModel

from bloomery.forge.coding.registry import coder
from bloomery.forge.compression.calibration_rows import task_rows
from bloomery.forge.compression.choosing import TERNARY_CHOICES
from bloomery.forge.estimating.trial import seconds_of, trial_of
from bloomery.forge.stage import Estimate
from bloomery.forge.stages.compression import CompressionStageConfig, work
from bloomery.models.packed.modeling_packed import slots

SIDE = 128  # of the matrix that each coder is measured on
ROWS = 4  # of calibration that are read


def estimate(config: CompressionStageConfig, recipe: Mapping[str, Any]) -> Sequence[Estimate]:
    """Coders are measured on a small matrix; nothing where the model is not the recipe's own."""
    trial = trial_of(recipe)
    if trial is None:
        return ()
    tokens = work(config)
    coded = sum(map(_weight_s, config.coders)) * _matrix_weights(trial.model)
    candidates = len(config.coders) + config.mixtures + len(config.embedding_coders) + TERNARY_CHOICES
    exam_s = trial.exam_s(config.mixture, config.exam, "selection")
    rows = task_rows(
        trial.tokenizer, mixture=config.mixture, seq_len=config.seq_len, examples=config.calibration, seed=0
    )
    some = list(islice(rows, ROWS))
    read_s = seconds_of(lambda: _read(trial.model, some)) / ROWS
    return [
        trial.estimate(
            "calibrate", config.calibration, tokens["calibrate"], config.calibration * read_s, unit="rows"
        ),
        trial.estimate("code", len(config.coders), tokens["code"], coded, unit="coders"),
        trial.estimate("choose", candidates, tokens["choose"], candidates * exam_s, unit="candidates"),
    ]


def _read(model: PreTrainedModel, rows: Sequence[torch.Tensor]) -> None:
    with torch.inference_mode():
        for ids in rows:
            model(input_ids=ids, use_cache=False)


@cache
def _weight_s(name: str) -> float:
    """Seconds of coding a weight."""
    drawn = torch.Generator().manual_seed(0)
    weight = torch.randn(SIDE, SIDE, generator=drawn) / SIDE
    inputs = torch.randn(4 * SIDE, SIDE, generator=drawn, dtype=torch.float64)
    hessian = inputs.T @ inputs / len(inputs)
    return seconds_of(lambda: coder(name).encode(weight, hessian)) / weight.numel()


def _matrix_weights(model: PreTrainedModel) -> int:
    return sum(tensor.numel() for _, tensor in slots(model) if tensor.ndim > 1)
