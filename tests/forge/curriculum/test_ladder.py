"""The ladder's rungs."""

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bloomery.core.errors import ConfigError
from bloomery.forge.curriculum.ladder import Ladder, ladder


def test_ten_rungs_in_equal_steps_from_the_threshold_to_the_hardest():
    assert ladder(4.8, 31) == (4, 7, 10, 13, 16, 19, 22, 25, 28, 31)


@given(st.integers(0, 50), st.integers(0, 200), st.integers(2, 20))
def test_a_ladder_begins_at_the_threshold_ends_at_the_hardest_and_never_falls(first, height, count):
    rungs = ladder(first, first + height, count)
    assert (rungs[0], rungs[-1], len(rungs)) == (first, first + height, count)
    steps = [after - before for before, after in pairwise(rungs)]
    assert min(steps) >= 0
    assert max(steps) - min(steps) <= 1 + height % 2  # rounding alone


def test_one_rung_is_the_threshold():
    assert ladder(3.2, 9, 1) == (3,)


def test_a_threshold_above_the_end_is_refused():
    with pytest.raises(ConfigError, match="above its end at 5"):
        ladder(7.0, 5)


def test_a_rung_has_a_difficulty_for_each_task():
    both = Ladder({"a": (1, 2, 3), "b": (5, 5, 6)})
    assert len(both) == 3
    assert both.at(2) == {"a": 2, "b": 5}
