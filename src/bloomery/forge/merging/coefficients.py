"""What every operator asks of its coefficients and tensors, with one wording."""

import math
from collections.abc import Sequence

import torch
from torch import Tensor

from bloomery.core.errors import ConfigError, FormatRefused


def check_density(density: float) -> None:
    """Raises: ConfigError unless 0 < density <= 1."""
    if not 0.0 < density <= 1.0:
        raise ConfigError(
            f"density is {density}, expected a share of the task vector in (0, 1]: 1 keeps all of it"
        )


def check_weights(weights: Sequence[float], count: int) -> None:
    """Raises: ConfigError unless there is one finite weight a model."""
    if len(weights) != count:
        raise ConfigError(f"{len(weights)} weights for {count} models: give one a model")
    if not all(math.isfinite(weight) for weight in weights):
        raise ConfigError(f"weights are {list(weights)}, expected finite numbers")


def check_tensors(tensors: Sequence[Tensor], base: Tensor | None = None) -> None:
    """Raises: ConfigError for no tensor at all, FormatRefused for different shapes."""
    if not tensors:
        raise ConfigError("there is nothing to merge: give at least one model")
    shapes = {tuple(tensor.shape) for tensor in [*tensors, *([] if base is None else [base])]}
    if len(shapes) > 1:
        raise FormatRefused(f"tensors of different shapes do not merge: {sorted(shapes)}")


def normalized(weights: Sequence[float]) -> list[float]:
    """The weights divided by their sum. Raises: ConfigError if they sum to (nearly) nothing."""
    total = math.fsum(weights)
    if abs(total) < 1e-8:
        raise ConfigError(f"weights {list(weights)} sum to {total:g}: they cannot be normalised")
    return [weight / total for weight in weights]


def wide(tensor: Tensor) -> Tensor:
    """The tensor, off the graph, in the type that sums are taken in: float32, or its own where wider."""
    return tensor.detach().to(torch.promote_types(tensor.dtype, torch.float32))
