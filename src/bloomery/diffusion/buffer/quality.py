"""Tests of entries, for `TrajectoryBuffer.keep`: each says which of them to keep."""

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from bloomery.core.errors import UnknownName, UserError

from .ledger import ORIGINS, Origin
from .statistics import Entries

Test = Callable[[Entries], NDArray[np.bool_]]


def best_share(share: float) -> Test:
    """Those with less than this share of their task's entries above them: no reward's size counts."""
    if not 0 < share <= 1:
        raise UserError(f"a share of the best is above 0 and at most 1; got {share}")
    return lambda entries: entries.better < share


def reward_at_least(bar: float) -> Test:
    """Those whose reward is a bar or more, in the reward's own units."""
    return lambda entries: entries.rewards >= bar


def since_round(first: int) -> Test:
    """Those of a round and later ones."""
    return lambda entries: entries.rounds >= first


def of_origin(origin: Origin) -> Test:
    """The real or the synthetic ones."""
    if origin not in ORIGINS:
        raise UnknownName("origin", origin, ORIGINS)
    return lambda entries: entries.origins == ORIGINS.index(origin)


def both(one: Test, other: Test) -> Test:
    """Those that pass two tests."""
    return lambda entries: one(entries) & other(entries)


def either(one: Test, other: Test) -> Test:
    """Those that pass at least one of two tests."""
    return lambda entries: one(entries) | other(entries)
