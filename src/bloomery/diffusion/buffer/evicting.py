"""Who makes room when the buffer is full. Each choice names a slot, or None: the newcomer is turned away."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    from .holdings import Holdings

Eviction = Literal["worst", "oldest", "random"]


def worst(held: Holdings, task: int, score: float) -> int | None:
    """The worst of the task with the most entries: rewards of two tasks never meet.

    Of several such tasks it is the newcomer's own, else the first. A newcomer worse than all of its task is
    then turned away; as bad as the worst, it takes the oldest one's place.
    """
    own = held.sizes[task] == held.most.most
    fullest = task if own else held.most.first_of_most()
    least, slot = held.orders[fullest].at(0)
    return None if own and score < least else slot


def oldest(held: Holdings, task: int, score: float) -> int | None:
    """The one that came first: slots are filled in turn, so it is the next slot."""
    slot = held.hand
    held.hand = (slot + 1) % held.capacity
    return slot


def random(held: Holdings, task: int, score: float) -> int | None:
    """Anyone, all alike, by the buffer's own generator."""
    return int(held.random.integers(held.capacity))


EVICTIONS: dict[Eviction, Callable[[Holdings, int, float], int | None]] = {
    "worst": worst,
    "oldest": oldest,
    "random": random,
}
