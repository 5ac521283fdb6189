"""How far the logits of two runtimes are apart."""

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from bloomery.core.errors import Failure

TOLERANCE = 1e-3  # of the largest logit: float32 sums in another order differ by some 1e-6, layers add it up


@dataclass(frozen=True, kw_only=True)
class Agreement:
    """`difference` is the largest of a logit, in units of the largest logit; `same` the share of positions
    whose likeliest token is the same."""

    difference: float
    same: float


def agreement(ours: Sequence[Tensor], theirs: Sequence[Tensor]) -> Agreement:
    """Shapes: (1, T, V) each.

    Raises: Failure where a shape differs or a logit is not finite.
    """
    for one, other in zip(ours, theirs, strict=True):
        if one.shape != other.shape or not other.isfinite().all():
            raise Failure(f"expected finite logits of shape {tuple(one.shape)}, came {tuple(other.shape)}")
    largest = max(float(one.abs().max()) for one in ours)
    apart = max(float((one - other).abs().max()) for one, other in zip(ours, theirs, strict=True))
    hits = [one.argmax(-1) == other.argmax(-1) for one, other in zip(ours, theirs, strict=True)]
    same = float(torch.cat(hits, dim=1).float().mean())
    return Agreement(difference=apart / largest if largest else apart, same=same)


def check_agreement(found: Agreement, runtime: str) -> None:
    """Raises: Failure where the runtime computes something else than the model."""
    if not found.difference <= TOLERANCE:
        raise Failure(
            f"{runtime} computes something else: logits are {found.difference:.2g} of the largest one away, "
            f"and at most {TOLERANCE:g} is rounding; the export was not kept"
        )
