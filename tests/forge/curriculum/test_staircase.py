"""The staircase against planted thresholds: it finds them at the rate that its interval states."""

import math
import random
import statistics

import pytest

from bloomery.core.errors import ConfigError
from bloomery.forge.curriculum.staircase import assess, reached

LEVELS = range(2, 33)


class Solver:
    """Solves a problem with a probability that falls from 1 - lapse to chance; 0.75 at a known difficulty.

    Written by itself: the logistic's place is found by bisection, not by the formula under test.
    """

    def __init__(self, threshold, slope, chance, seed, lapse=0.02):
        self.chance, self.slope, self.lapse, self.rng = chance, slope, lapse, random.Random(seed)
        low, high = -1000.0, 1000.0
        for _ in range(100):
            self.middle = (low + high) / 2
            low, high = (self.middle, high) if self.rate(threshold) < 0.75 else (low, self.middle)

    def rate(self, level):
        rise = 1 / (1 + math.exp(max(-50, min(50, (level - self.middle) / self.slope))))
        return self.chance + (1 - self.chance) * (1 - self.lapse) * rise

    def __call__(self, level, count):
        return sum(self.rng.random() < self.rate(level) for _ in range(count))


def found(threshold, slope, chance, seed):
    return assess(
        Solver(threshold, slope, chance, seed), LEVELS, chance=lambda _: chance, at_once=8, most=320
    )


def test_a_planted_threshold_lies_in_the_interval_at_about_the_stated_rate():
    """95 % is stated; 80 simulated solvers leave a count of at least 71 in 99.7 % of cases (binomial)."""
    rng = random.Random(4)
    hits, errors = 0, []
    for seed in range(80):
        threshold = rng.uniform(5, 28)
        one = found(threshold, rng.choice([0.5, 1.5, 3.0]), rng.choice([0.0, 0.1, 0.5]), seed)
        hits += one.low <= threshold <= one.high
        errors.append(abs(one.threshold - threshold))
    assert hits >= 71
    assert statistics.median(errors) < 0.6  # levels


def test_a_steep_solver_is_found_with_fewer_answers_than_are_allowed():
    one = found(17.0, 0.3, 0.0, seed=1)
    assert one.answers < 320
    assert one.high - one.low <= 1.0
    assert one.low <= 17.0 <= one.high


@pytest.mark.parametrize(("right", "end"), [(0, 2), (1, 32)])
def test_a_solver_of_nothing_or_of_everything_is_at_an_end(right, end):
    one = assess(lambda level, count: right * count, LEVELS, chance=lambda _: 0.1)
    assert one.threshold == pytest.approx(end, abs=0.5)


def test_equal_answers_give_equal_assessments():
    assert found(11.0, 1.0, 0.1, seed=3) == found(11.0, 1.0, 0.1, seed=3)


def test_what_was_asked_and_solved_is_told():
    counted = {"asked": 0, "solved": 0}

    def solve(level, count):
        counted["asked"] += count
        counted["solved"] += count * (level < 10)
        return count * (level < 10)

    one = assess(solve, LEVELS, chance=lambda _: 0.1, at_once=5, most=42, width=0.0)
    assert one.answers == counted["asked"] == 42  # the last batch is a smaller one
    assert sum(one.solved.values()) == counted["solved"]
    assert {level for level, count in one.solved.items() if count} == {x for x in one.asked if x < 10}


def test_a_target_that_guessing_reaches_is_refused():
    with pytest.raises(ConfigError, match=r"guessing solves 0\.80"):
        assess(lambda level, count: count, LEVELS, chance=lambda _: 0.8)


def test_without_a_difficulty_nothing_is_assessed():
    with pytest.raises(ConfigError, match="at least one difficulty"):
        assess(lambda level, count: count, [], chance=lambda _: 0.0)


@pytest.mark.parametrize(
    ("rates", "rungs"), [([], 0), ([0.7, 0.9], 0), ([0.75, 0.8, 0.7, 0.9], 2), ([1.0, 1.0], 2)]
)
def test_rungs_count_up_to_the_first_that_is_not_reached(rates, rungs):
    assert reached(rates) == rungs
