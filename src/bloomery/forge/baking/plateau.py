"""When a cycle has stopped getting better."""

from collections.abc import Sequence

from bloomery.core.errors import ConfigError


def plateaued(scores: Sequence[float], *, window: int, threshold: float) -> bool:
    """Whether the last `window` scores are no more than `threshold` above the best before them.

    A score is what was reached after each round, the first one what there was before any.
    """
    if window < 1 or threshold < 0:
        raise ConfigError(f"a plateau has a window of at least 1 and a threshold of 0 or more, got {window} "
                          f"and {threshold}")  # fmt: skip
    if len(scores) <= window:
        return False
    return max(scores[-window:]) <= max(scores[:-window]) + threshold
