"""From uniform numbers to entries: a task by its number of entries, a rank by the law, one of equal scores.

Batches and single draws take the same way and come out the same.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .ordering import Ordering
from .ranking import RankLaw
from .trees import SumTree

Real = NDArray[np.float64]
Whole = NDArray[np.int64]
FEW = 8  # draws of one task for which a batch through NumPy does not pay


@dataclass(frozen=True)
class Sample:
    """Entries that were drawn, with replacement.

    `probability` is that of the draw; `weight` is (N * probability)^-beta for the N entries drawn from, so at
    beta 1 a weighted mean over draws is an unbiased mean over entries, whatever alpha is.

    Shapes: content (B, ...) each, all others (B,)
    Source: weight: arXiv 1511.05952 (prioritized experience replay), section 3.4
    Differs: not divided by the largest weight, which for alpha < 1 is below about (1 - alpha)^-beta.
    """

    content: dict[str, NDArray[Any]]
    reward: Real
    tasks: tuple[str, ...]
    probability: Real
    weight: Real
    slot: Whole
    age: Whole


def draw(
    u: list[float], orders: list[Ordering], sizes: SumTree, law: RankLaw, task: int | None
) -> tuple[int, float]:
    """The slot, and its probability times the entries drawn from, for three uniform numbers of [0, 1)."""
    if task is None:
        task, _ = sizes.find(int(u[0] * sizes.total))
    return _from_task(u, orders[task], law)


def draw_all(
    u: Real, orders: list[Ordering], sizes: SumTree, law: RankLaw, task: int | None
) -> tuple[Whole, Real]:
    """`draw` of many. Shapes: u (B, 3) -> (B,), (B,)"""
    chosen = (
        sizes.find_all((u[:, 0] * sizes.total).astype(np.int64))[0]
        if task is None
        else np.full(len(u), task, np.int64)
    )
    slots, relative = np.empty(len(u), np.int64), np.empty(len(u))
    by_task = np.argsort(chosen, kind="stable")
    for where in np.split(by_task, np.flatnonzero(np.diff(chosen[by_task])) + 1):
        order = orders[int(chosen[where[0]])]
        slots[where], relative[where] = _all_from_task(u[where], order, law)
    return slots, relative


def _from_task(u: list[float], order: Ordering, law: RankLaw) -> tuple[int, float]:
    entries = len(order)
    place = entries - 1 - law.draw(u[1], entries)
    _, first, beyond = order.alike(place)
    alike = beyond - first
    if alike > 1:
        place = first + int(u[2] * alike)
    return order.at(place)[1], entries * law.probability(entries - beyond, alike, entries)


def _all_from_task(u: Real, order: Ordering, law: RankLaw) -> tuple[Any, Any]:
    if len(u) < FEW:
        pairs = [_from_task(one, order, law) for one in u.tolist()]
        return [slot for slot, _ in pairs], [relative for _, relative in pairs]
    entries = len(order)
    first, beyond = order.alike_all(entries - 1 - law.draw_all(u[:, 1], entries))
    alike = beyond - first
    slots = order.at_all(first + (u[:, 2] * alike).astype(np.int64))[1]
    return slots, entries * law.probability_all(entries - beyond, alike, entries)


def relative_probabilities(order: Ordering, law: RankLaw) -> tuple[Whole, Real]:
    """The slots of a task, the worst first, and how much likelier each is than if all were alike."""
    scores, slots = order.in_order()
    entries = len(scores)
    first, beyond = np.searchsorted(scores, scores, "left"), np.searchsorted(scores, scores, "right")
    return slots, entries * law.probability_all(entries - beyond, beyond - first, entries)
