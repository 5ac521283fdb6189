"""A ladder: so many levels in equal steps from where a model solves most to the hardest there is."""

from collections.abc import Mapping
from dataclasses import dataclass

from bloomery.core.errors import ConfigError


@dataclass(frozen=True)
class Ladder:
    """The difficulty of each task on each rung, the first rung first."""

    rungs: Mapping[str, tuple[int, ...]]

    def __len__(self) -> int:
        return len(next(iter(self.rungs.values())))

    def at(self, rung: int) -> dict[str, int]:
        """Each task's difficulty on a rung, counted from 1."""
        return {task: levels[rung - 1] for task, levels in self.rungs.items()}


def ladder(threshold: float, hardest: int, count: int = 10) -> tuple[int, ...]:
    """Difficulty b + (l - 1)(hardest - b) / (count - 1) on rung l, b the threshold, rounded down.

    A task with fewer difficulties than rungs stays on one for several rungs.
    """
    first = int(threshold)
    if first > hardest:
        raise ConfigError(f"the ladder begins at {first}, above its end at {hardest}; raise the hardest")
    if count == 1:
        return (first,)
    return tuple(first + round(rung * (hardest - first) / (count - 1)) for rung in range(count))
