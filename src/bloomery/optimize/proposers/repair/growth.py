"""Whether a repair is slower in order of growth than the original, where the original was right."""

from collections import defaultdict
from collections.abc import Mapping
from typing import Protocol

SLACK = 20  # steps that count for nothing
MUCH, GROWING = 2.0, 1.5


class Answered(Protocol):
    """An answer to one input: how it ended, what it was, how many steps it took."""

    @property
    def ended(self) -> str: ...
    @property
    def digest(self) -> str: ...
    @property
    def steps(self) -> int: ...


def slower(
    kinds: Mapping[int, str], original: Mapping[int, Answered], answers: Mapping[int, Answered]
) -> float:
    """How many times the original's steps it takes on the largest inputs; 1 where the order is the same.

    Only inputs count on which the original returned what the repair returns, or on which the repair does not
    come to an end. The order is another where the repair takes more than twice the steps on the largest one,
    and that ratio grew with the size.
    """
    sizes: dict[str, list[tuple[int, float]]] = defaultdict(list)
    for place, kind in kinds.items():
        if kind.startswith("grown:") and _both_right(original.get(place), answers.get(place)):
            _, name, factor = kind.split(":")
            ratio = (answers[place].steps + SLACK) / (original[place].steps + SLACK)
            sizes[name].append((int(factor), ratio))
    return max((_of(sorted(found)) for found in sizes.values()), default=1.0)


def _both_right(was: Answered | None, now: Answered | None) -> bool:
    if was is None or now is None or was.ended != "returned":
        return False
    return now.ended == "steps" or (now.ended, now.digest) == (was.ended, was.digest)


def _of(ratios: list[tuple[int, float]]) -> float:
    first, last = ratios[0][1], ratios[-1][1]
    return last if len(ratios) > 1 and last > MUCH and last > GROWING * first else 1.0
