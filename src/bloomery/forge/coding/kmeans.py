"""A codebook of scalars by k-means, optionally with a price on the bits that its indices cost."""

from __future__ import annotations

import numpy as np
from torch import Tensor

from bloomery.core.errors import ConfigError
from bloomery.forge.coding.columns import by_columns
from bloomery.forge.coding.weights import as_half, as_matrix, checked_hessian, expect_between, importance
from bloomery.models.packed.coded import Coded, Field, Symbols

ITERATIONS = 40


def encode(weight: Tensor, *, levels: int, price: float = 0.0, hessian: Tensor | None = None) -> Coded:
    """Lloyd's algorithm from quantiles; with a price, entropy-constrained from evenly spaced levels.

    `price` is what a bit costs in units of the weights' variance: higher prices leave fewer levels in use.
    With a Hessian, columns that matter more weigh more, and each mends what the earlier ones broke.

    Source: Chou, Lookabaugh, Gray 1989 (entropy-constrained vector quantisation), in one dimension.
    Raises: ConfigError for levels out of 1 to 256 or a negative price; UserError for weights not finite.
    """
    expect_between("levels", levels, 1, 256)
    if not 0 <= price < float("inf"):
        raise ConfigError(f"price = {price} is a bit's worth in variances; expected 0 or more")
    matrix = as_matrix(weight)
    w = matrix.reshape(-1).astype(np.float64)
    h = np.tile(importance(hessian, matrix.shape[1]).astype(np.float64), len(matrix))
    codebook, lengths = lloyd(w, h, first_levels(w, levels, price), price * float(np.var(w)))
    codebook = as_half(codebook)
    if hessian is None:
        nearest = choose(w, h, codebook.astype(np.float64), lengths)
    else:
        nearest = mended(matrix, checked_hessian(hessian, matrix.shape[1]), codebook, lengths)
    used, indices = np.unique(nearest, return_inverse=True)
    fields: dict[str, Field] = {"indices": Symbols(indices, len(used)), "codebook": codebook[used]}
    return Coded("kmeans", tuple(weight.shape), fields)


def first_levels(w: np.ndarray, levels: int, price: float) -> np.ndarray:
    if price:
        return np.unique(np.linspace(w.min(), w.max(), levels))
    return np.unique(np.quantile(w, (np.arange(levels) + 0.5) / levels))


def lloyd(w: np.ndarray, h: np.ndarray, codebook: np.ndarray, price: float) -> tuple[np.ndarray, np.ndarray]:
    """The levels, and what choosing each one costs."""
    lengths = np.zeros(len(codebook))
    for _ in range(ITERATIONS):
        nearest = choose(w, h, codebook, lengths)
        mass = np.bincount(nearest, h, len(codebook))
        sums, counts = (
            np.bincount(nearest, h * w, len(codebook)),
            np.bincount(nearest, minlength=len(codebook)),
        )
        used = mass > 0
        moved = sums[used] / mass[used]
        if price == 0 and used.all() and np.array_equal(moved, codebook):
            break
        codebook, lengths = moved, -price * np.log2(counts[used] / len(w))
    return codebook, lengths


def choose(w: np.ndarray, h: np.ndarray | float, codebook: np.ndarray, lengths: np.ndarray) -> np.ndarray:
    """The level of least cost for each weight, the first among equals; a pass a level keeps memory small."""
    best, cost = np.zeros(len(w), np.int64), np.full(len(w), np.inf)
    for index, (level, length) in enumerate(zip(codebook, lengths, strict=True)):
        own = h * (w - level) ** 2 + length
        better = own < cost
        best[better], cost[better] = index, own[better]
    return best


def mended(matrix: np.ndarray, hessian: np.ndarray, codebook: np.ndarray, lengths: np.ndarray) -> np.ndarray:
    """The level of each weight, of columns that mend each other's errors."""
    levels = codebook.astype(np.float64)
    h = np.diag(hessian) / np.diag(hessian).mean()
    nearest = np.empty(matrix.shape, np.int64)

    def write(column: np.ndarray, place: int) -> np.ndarray:
        nearest[:, place] = choose(column, h[place], levels, lengths)
        return levels[nearest[:, place]]

    by_columns(matrix.T.astype(np.float64), hessian, write)
    return nearest.reshape(-1)
