"""pass@k against enumeration."""

from itertools import combinations

import pytest

from bloomery.core.errors import ConfigError
from bloomery.diffusion.code.judging.passing import mean_pass_at_k, pass_at_k


@pytest.mark.parametrize("tries", [1, 2, 5, 7])
def test_it_is_the_share_of_all_subsets_that_hold_a_pass(tries):
    for passed in range(tries + 1):
        outcomes = [place < passed for place in range(tries)]
        for k in range(1, tries + 1):
            subsets = list(combinations(outcomes, k))
            assert pass_at_k(tries, passed, k) == pytest.approx(
                sum(map(any, subsets)) / len(subsets), abs=1e-15
            )


def test_one_of_many_thousands_is_not_lost():
    assert pass_at_k(10**4, 1, 1) == 1e-4


def test_the_mean_is_over_problems():
    assert mean_pass_at_k([(2, 0), (2, 1), (2, 2)], 1) == 0.5


@pytest.mark.parametrize(("tries", "passed", "k"), [(3, 4, 1), (3, -1, 1), (3, 1, 4), (3, 1, 0)])
def test_what_is_unknown_is_refused(tries, passed, k):
    with pytest.raises(ConfigError):
        pass_at_k(tries, passed, k)


def test_no_problems_have_no_mean():
    with pytest.raises(ConfigError, match="there are none"):
        mean_pass_at_k([], 1)
