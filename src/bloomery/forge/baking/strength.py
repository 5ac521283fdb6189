"""Half-baked models: weights between base and baked, their strength measured by what is left of the KL.

Source: arXiv 2409.13697, half-baking (there by stopping early, or by scaling the change of the weights)
"""

from collections.abc import Callable, Mapping, Sequence

import torch
from torch import Tensor
from transformers import PreTrainedModel, PreTrainedTokenizerBase

from bloomery.core.errors import ConfigError
from bloomery.forge.baking.completions import Completion
from bloomery.forge.baking.divergence import Residual, divergence

AMOUNTS = (0.0, 0.25, 0.5, 0.75, 1.0)
HALVINGS = 8  # an amount is found to 1/256
Weights = Mapping[str, Tensor]
Strength = Callable[[Weights], float]


def weights_of(model: PreTrainedModel) -> dict[str, Tensor]:
    """A copy of the model's tensors."""
    return {name: tensor.detach().clone() for name, tensor in model.state_dict().items()}


def interpolated(base: Weights, baked: Weights, amount: float) -> dict[str, Tensor]:
    """base + amount (baked - base) of each floating tensor; 0 and 1 give the two to the bit.

    Raises: ConfigError for an amount outside 0 to 1.
    """
    if not 0 <= amount <= 1:
        raise ConfigError(f"the amount of a bake is from 0 to 1, got {amount}")
    return {name: _between(tensor, baked[name], amount) for name, tensor in base.items()}


def measured_by(
    teacher: PreTrainedModel,
    base: PreTrainedModel,
    tokenizer: PreTrainedTokenizerBase,
    completions: Sequence[Completion],
) -> Strength:
    """The strength of weights in the base's form: 1 - KL(prompted || they) / KL(prompted || base).

    What it returns puts the weights into `base` and leaves them there.
    """
    before = divergence(teacher, base, tokenizer, completions)

    def strength(weights: Weights) -> float:
        base.load_state_dict(dict(weights))
        return Residual(base=before, baked=divergence(teacher, base, tokenizer, completions)).strength

    return strength


def strength_curve(
    base: Weights, baked: Weights, strength: Strength, amounts: Sequence[float] = AMOUNTS
) -> dict[float, float]:
    """The measured strength at each amount of the bake."""
    return {amount: strength(interpolated(base, baked, amount)) for amount in amounts}


def half_baked(base: Weights, baked: Weights, strength: Strength, wanted: float) -> float:
    """The largest amount found, by halving, whose measured strength is no more than what is wanted.

    Raises: ConfigError for a strength outside 0 to 1, or above that of the baked weights.
    """
    if not 0 <= wanted <= 1:
        raise ConfigError(f"a strength is from 0 to 1, got {wanted}")
    whole = strength(baked)
    if not whole >= wanted:  # so for nan
        raise ConfigError(f"the bake has a strength of {whole:.3f}, less than {wanted:g}: bake longer")
    if whole == wanted:
        return 1.0
    low, high = 0.0, 1.0
    for _ in range(HALVINGS):
        middle = (low + high) / 2
        weak = strength(interpolated(base, baked, middle)) <= wanted
        low, high = (middle, high) if weak else (low, middle)
    return low


def _between(base: Tensor, baked: Tensor, amount: float) -> Tensor:
    if amount in (0.0, 1.0) or not base.is_floating_point():
        return baked if amount else base
    return torch.lerp(base, baked, amount)
