"""Values for the arguments of a function, by NumPy: what the generated tests draw by torch."""

from collections.abc import Mapping, Sequence

import numpy as np

from bloomery.papers.scaffolding.domain import Domain
from bloomery.papers.scaffolding.signature import Input

Arrays = dict[str, np.ndarray]
WHOLE = 4  # numbers in a row, where only whole ones are meant
INSIDE = 1e-3  # of an interval, kept from its ends


def draw(inputs: Sequence[Input], sizes: Mapping[str, int], seed: int = 0, magnitude: float = 1.0) -> Arrays:
    """Each argument from its domain."""
    rng = np.random.default_rng(seed)
    return {
        one.name: _from(one.domain, rng, tuple(sizes[name] for name in one.dimensions or ()), magnitude)
        for one in inputs
    }


def _from(domain: Domain, rng: np.random.Generator, shape: tuple[int, ...], magnitude: float) -> np.ndarray:
    if domain.whole:
        start = 1.0 if domain.low is None else np.floor(domain.low) + (0 if domain.closed[0] else 1)
        return start + rng.integers(0, WHOLE, shape).astype(float)
    if domain.low is not None and domain.high is not None:
        width = domain.high - domain.low
        return domain.low + width * (INSIDE + (1 - 2 * INSIDE) * rng.random(shape))
    if domain.low is not None:
        return domain.low + magnitude * (np.abs(rng.standard_normal(shape)) + INSIDE)
    if domain.high is not None:
        return domain.high - magnitude * (np.abs(rng.standard_normal(shape)) + INSIDE)
    return magnitude * rng.standard_normal(shape)


def softmax(values: np.ndarray, axis: int) -> np.ndarray:
    shifted = np.exp(values - values.max(axis=axis, keepdims=True))
    return shifted / shifted.sum(axis=axis, keepdims=True)
