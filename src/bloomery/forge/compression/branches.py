"""Two branches of compression, compared at equal bytes: trits with coded embeddings, and coders alone.

No coder of 3 or 4 bits a weight improves on a matrix that is trits already, so the first branch keeps these,
entropy-coded, and codes what is left; the second codes every matrix of the full model, which was not yet
taught what the trits were. In both, each tensor may take a coder of its own, chosen on the measured
rate-distortion frontier.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor, nn
from transformers import PreTrainedModel

from bloomery.forge.coding import raw
from bloomery.forge.coding.frontier import Choice, Point, choose, lower_hull
from bloomery.forge.coding.registry import coder
from bloomery.forge.coding.weights import proxy_error
from bloomery.models.packed.coded import Coded
from bloomery.models.packed.container import size_bytes
from bloomery.models.packed.decoding import decode
from bloomery.models.packed.modeling_packed import slots

Items = list[Coded]


@dataclass(frozen=True, kw_only=True)
class Place:
    """A tensor of a model, whether it was learned, and what is known of its inputs."""

    name: str
    tensor: Tensor
    learned: bool
    hessian: Tensor | None

    @property
    def is_matrix(self) -> bool:
        return self.tensor.ndim > 1


def places_of(model: PreTrainedModel, hessians: Mapping[str, Tensor]) -> list[Place]:
    """The model's tensors in the order of a packed file."""
    return [
        Place(
            name=name,
            tensor=tensor.detach().cpu(),
            learned=isinstance(tensor, nn.Parameter),
            hessian=hessians.get(name),
        )
        for name, tensor in slots(model)
    ]


def coded_by(name: str, places: Sequence[Place]) -> Items:
    """Every matrix by one coder, what is no matrix in half precision."""
    return [coder(name).encode(one.tensor, one.hessian) if one.is_matrix else plain(one) for one in places]


def plain(place: Place) -> Coded:
    """Norms and biases in half precision, saved buffers as they are."""
    return raw.encode(place.tensor, precision="float16" if place.learned else "float32")


def points_of(places: Sequence[Place], by_coder: Mapping[str, Items]) -> list[list[Point]]:
    """For each tensor, what each coder made of it: bytes, and its share of the output's energy that is lost.

    The share counts as many times as the tensor has weights, so that tensors of all sizes are comparable.
    """
    return [
        [_point(name, place, items[index]) for name, items in by_coder.items()]
        for index, place in enumerate(places)
    ]


def _point(name: str, place: Place, coded: Coded) -> Point:
    error = proxy_error(place.tensor, decode(coded), place.hessian)
    energy = proxy_error(place.tensor, torch.zeros_like(place.tensor), place.hessian)
    weight = place.tensor.numel() / energy if energy > 0 else 0.0
    return Point(coder=name, size_bytes=size_bytes(coded), error=weight * error, coded=coded)


def mixtures(points: Sequence[Sequence[Point]], budgets: Sequence[int]) -> dict[int, Choice]:
    """One coder a tensor, the best for each budget of bytes that is not too small for any choice."""
    hulls = [lower_hull(some) for some in points]
    least = sum(hull[0].size_bytes for hull in hulls)
    return {budget: choose(hulls, budget) for budget in budgets if budget >= least}


def spread(points: Sequence[Sequence[Point]], count: int) -> list[int]:
    """Budgets between the smallest choice and the most exact one, evenly spaced."""
    hulls = [lower_hull(some) for some in points]
    low, high = (sum(hull[end].size_bytes for hull in hulls) for end in (0, -1))
    return [low + (high - low) * step // max(count - 1, 1) for step in range(count)]


def smallest(candidates: Mapping[str, int], good_enough: Callable[[str], bool]) -> str | None:
    """The candidate of fewest bytes that is good enough; None where none is."""
    fitting = [name for name in candidates if good_enough(name)]
    return min(fitting, key=lambda name: (candidates[name], name)) if fitting else None


def best_by_size(rates: Mapping[str, float], sizes: Mapping[str, int]) -> dict[tuple[str, int], float]:
    """The best rate of each family (a name up to its first dash) at each of its sizes in bytes."""
    best: dict[tuple[str, int], float] = {}
    for name, rate in rates.items():
        point = name.partition("-")[0], sizes[name]
        best[point] = max(rate, best.get(point, rate))
    return best
