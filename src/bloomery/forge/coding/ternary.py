"""Trits and their scale, from weights or from a layer that was trained to be ternary."""

from __future__ import annotations

import torch
from torch import Tensor

from bloomery.core.errors import ConfigError
from bloomery.forge.coding.weights import as_matrix
from bloomery.models.packed.coded import Coded, Field, Symbols
from bloomery.models.packed.ternary import ternarize


def encode(weight: Tensor, *, threshold: float = 0.5, per_row: bool = False) -> Coded:
    """Absmean ternarisation with the scale that minimises the squared error for its trits.

    Raises: UserError for weights that are not finite; ConfigError for a threshold below 0.
    """
    if not 0 <= threshold < float("inf"):
        raise ConfigError(f"threshold = {threshold} is in units of the mean |w|; expected 0 or more")
    matrix = torch.from_numpy(as_matrix(weight))
    trits, scale = ternarize(matrix, threshold=threshold, per_row=per_row, scaling="least_squares")
    return from_trits(trits.reshape(weight.shape), scale)


def from_trits(trits: Tensor, scale: Tensor) -> Coded:
    """What a ternary layer holds: int8 trits, and one float32 scale or one for each row.

    Raises: ValueError for anything but trits.
    """
    codes = Symbols(trits.int().cpu().numpy() + 1, 3)
    fields: dict[str, Field] = {"trits": codes, "scale": scale.detach().float().cpu().numpy()}
    return Coded("ternary", tuple(trits.shape), fields)
