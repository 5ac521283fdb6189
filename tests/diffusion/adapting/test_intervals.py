"""Intervals of paired gains: right as often as they say, and gains without units."""

import numpy as np
import pytest

from bloomery.core.errors import UserError
from bloomery.diffusion.adapting import intervals
from bloomery.diffusion.adapting.intervals import paired, unit_gain


def test_without_an_effect_an_interval_is_above_zero_as_rarely_as_it_says(monkeypatch):
    monkeypatch.setattr(intervals, "RESAMPLES", 500)
    random, above, runs = np.random.default_rng(0), 0, 400
    for run in range(runs):
        after, before = random.normal(size=(2, 1, 20))
        above += paired(after, before, 0.1, run).low > 0
    assert above <= 33  # one side of 0.1: 20 of 400, and three deviations of that


def test_an_effect_is_seen_in_pairs_that_differ_less_than_the_samples():
    random = np.random.default_rng(0)
    before = random.normal(size=(2, 40))
    after = before + 0.3 + 0.1 * random.normal(size=(2, 40))
    gain = paired(after, before, 0.01, 0)
    assert 0.25 < gain.low < 0.3 < gain.high < 0.35
    assert gain.mean == pytest.approx((after - before).mean())


def test_the_interval_is_as_wide_as_the_means_deviation_says():
    gaps = np.random.default_rng(1).normal(size=(3, 50))
    gain = paired(gaps, np.zeros_like(gaps), 0.05, 0)
    deviation = np.sqrt((gaps.var(1, ddof=1) / 50).sum()) / 3
    assert gain.high - gain.low == pytest.approx(2 * 1.96 * deviation, rel=0.06)  # 4000 resamples' quantiles


def test_two_equal_models_have_no_gain_and_no_width():
    same = np.random.default_rng(0).normal(size=(1, 10))
    assert paired(same, same, 0.05, 0) == intervals.Gain(0, 0, 0)


def test_too_few_pairs_are_refused():
    with pytest.raises(UserError, match="8 pairs"):
        paired(np.zeros((1, 7)), np.zeros((1, 7)), 0.05, 0)


def test_a_unit_gain_knows_no_scale_and_is_never_above_one():
    random = np.random.default_rng(0)
    before, after = random.normal(size=(2, 2, 30))
    after = after + 0.5
    gain = unit_gain(after, before)
    assert 0 < gain < 1
    assert unit_gain(1000 * after + 3, 1000 * before + 3) == pytest.approx(gain)
    assert unit_gain(np.ones((1, 30)), np.zeros((1, 30))) == 1  # the most there is
    assert unit_gain(before, after) == 0
    assert unit_gain(before, before) == 0
