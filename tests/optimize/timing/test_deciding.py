"""Bounds on a median hold as often as they say, whatever the noise looks like; looks share the error."""

import math
from collections.abc import Callable
from random import Random

import pytest

from bloomery.optimize.timing.deciding import ERROR, FEWEST, estimate, exact_rank, looks, planned


def test_looks_double_and_end_with_the_last_pair() -> None:
    assert looks(40) == (10, 20, 40)
    assert looks(FEWEST) == (FEWEST,)
    assert looks(30) == (10, 20, 30)


@pytest.mark.parametrize("trials", [FEWEST, 10, 20, 40, 80])
def test_a_claim_can_be_made_at_every_look(trials: int) -> None:
    assert all(exact_rank(count, ERROR / len(looks(trials))) >= 1 for count in looks(trials))


@pytest.mark.parametrize("among", [1, 2, 3, 10])
def test_where_the_error_is_shared_the_first_look_waits_until_something_can_be_said(among: int) -> None:
    found, each = planned(40, ERROR / among)
    assert all(exact_rank(count, each) for count in found)
    assert each * len(found) == pytest.approx(ERROR / among)
    assert found[0] == 10 or not exact_rank(found[0] - 1, each)
    assert planned(40, ERROR) == (looks(40), ERROR / 3)


@pytest.mark.parametrize("count", [8, 10, 17, 40])
def test_the_rank_is_that_of_the_binomial_tail(count: int) -> None:
    rank = exact_rank(count, 0.05)
    tail = [sum(math.comb(count, at) for at in range(k)) / 2**count for k in (rank, rank + 1)]
    assert tail[0] <= 0.05 < tail[1]


NOISES: dict[str, Callable[[Random], float]] = {
    "lopsided": lambda rng: math.exp(rng.expovariate(3)),
    "two heaps": lambda rng: rng.choice((1.0, 1.4)) * math.exp(rng.gauss(0, 0.01)),
    "heavy tails": lambda rng: math.exp(min(abs(rng.gauss(0, 1) / rng.gauss(0, 1)), 50)),
}


@pytest.mark.parametrize("noise", NOISES)
def test_equals_in_random_order_are_told_apart_no_more_often_than_stated(noise: str) -> None:
    """Each look by itself at a tenth, so that few trials can show it: 30 expected of 300, 3 sigma above."""
    rng = Random(1)
    wrong = 0
    for _ in range(300):
        before, after = ([NOISES[noise](rng) for _ in range(10)] for _ in range(2))
        wrong += estimate(before, after, error=0.1, seed=0).low > 1
    assert wrong <= 30 + 3 * math.sqrt(27)


def test_a_gain_in_every_pair_is_sure_and_its_ratio_is_the_median() -> None:
    after = [1.0 + at / 100 for at in range(10)]
    found = estimate([1.5 * one for one in after], after, error=ERROR / 3, seed=0)
    assert found.ratio == pytest.approx(1.5)
    assert found.low == pytest.approx(1.5)
    assert found.sure(1.05)
    assert not found.sure(1.6)


def test_one_pair_of_ten_the_other_way_is_not_sure() -> None:
    before = [1.5] * 9 + [0.9]
    found = estimate(before, [1.0] * 10, error=ERROR / 3, seed=0)
    assert not found.sure(1.05)
