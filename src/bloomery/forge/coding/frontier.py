"""The measured rate-distortion frontier: which coder each tensor takes for a budget of bytes."""

from __future__ import annotations

import heapq
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise

from torch import Tensor

from bloomery.core.errors import UserError
from bloomery.forge.coding.registry import Coder
from bloomery.forge.coding.weights import proxy_error
from bloomery.models.packed.coded import Coded
from bloomery.models.packed.container import size_bytes
from bloomery.models.packed.decoding import decode


@dataclass(frozen=True, kw_only=True)
class Point:
    """What one coder makes of one tensor; bytes with all metadata, error as `measure` says."""

    coder: str
    size_bytes: int
    error: float
    coded: Coded


@dataclass(frozen=True, kw_only=True)
class Choice:
    """One point for each tensor, in their order."""

    points: tuple[Point, ...]

    @property
    def size_bytes(self) -> int:
        return sum(point.size_bytes for point in self.points)

    @property
    def error(self) -> float:
        return sum(point.error for point in self.points)


def measure(
    weight: Tensor, coders: Iterable[Coder], *, hessian: Tensor | None = None, sensitivity: float = 1.0
) -> list[Point]:
    """Each coder's point, by encoding, counting its bytes and decoding.

    Its error is the proxy error times `sensitivity`, which makes tensors comparable: how much of the model's
    loss a unit of this tensor's error costs.
    """
    found = []
    for coder in coders:
        coded = coder.encode(weight, hessian)
        error = sensitivity * proxy_error(weight.detach().cpu(), decode(coded), hessian)
        found.append(Point(coder=coder.name, size_bytes=size_bytes(coded), error=error, coded=coded))
    return found


def lower_hull(points: Iterable[Point]) -> list[Point]:
    """The points that are best for some price of a byte, from the fewest bytes to the least error."""
    hull: list[Point] = []
    for point in sorted(points, key=lambda one: (one.size_bytes, one.error)):
        if hull and point.error >= hull[-1].error:
            continue
        while len(hull) > 1 and gain(hull[-2], hull[-1]) <= gain(hull[-1], point):
            hull.pop()
        hull.append(point)
    return hull


def gain(coarse: Point, fine: Point) -> float:
    """Error saved by each byte more."""
    return (coarse.error - fine.error) / (fine.size_bytes - coarse.size_bytes)


def curve(hulls: Sequence[Sequence[Point]]) -> Iterator[Choice]:
    """From the fewest bytes to the least error, each time the refinement that saves most error a byte.

    Every choice is the best for its bytes: it minimises error + price * bytes for the price at its step.

    Source: Shoham, Gersho 1988 (bit allocation by Lagrange multipliers on convex hulls).
    """
    at = [0] * len(hulls)
    yield chosen(hulls, at)
    for index in refinements(hulls):
        at[index] += 1
        yield chosen(hulls, at)


def choose(hulls: Sequence[Sequence[Point]], budget_bytes: int) -> Choice:
    """The best choice within the budget: the curve's last that fits, then what refinements still fit.

    The container's own header is not in the budget.
    Raises: UserError where even the coarsest coders need more.
    """
    at = [0] * len(hulls)
    left = budget_bytes - chosen(hulls, at).size_bytes
    if left < 0:
        raise UserError(f"{budget_bytes} bytes are too few; the coarsest coders need {budget_bytes - left}")
    for index in refinements(hulls):
        now, next_one = hulls[index][at[index] : at[index] + 2]
        more = next_one.size_bytes - now.size_bytes
        if more <= left:  # else it will not fit later either, nor what refines it
            at[index] += 1
            left -= more
    return chosen(hulls, at)


def chosen(hulls: Sequence[Sequence[Point]], at: Sequence[int]) -> Choice:
    return Choice(points=tuple(hull[i] for hull, i in zip(hulls, at, strict=True)))


def refinements(hulls: Sequence[Sequence[Point]]) -> Iterator[int]:
    """Whose turn it is, by falling gain; of equals, the earlier tensor."""
    steps = ([(-gain(a, b), index) for a, b in pairwise(hull)] for index, hull in enumerate(hulls))
    return (index for _, index in heapq.merge(*steps))
