import pytest
from scipy.stats import binom, binomtest

from bloomery.tasks.intervals import wilson


@pytest.mark.parametrize(
    ("correct", "total"), [(0, 1), (1, 1), (0, 50), (50, 50), (1, 7), (37, 100), (999, 1000)]
)
def test_the_interval_is_scipys(correct, total):
    expected = binomtest(correct, total).proportion_ci(confidence_level=0.95, method="wilson")
    assert wilson(correct, total) == pytest.approx((expected.low, expected.high), abs=1e-12)


def test_nothing_counted_leaves_everything_possible():
    assert wilson(0, 0) == (0.0, 1.0)


def test_the_interval_covers_the_true_rate_about_as_often_as_it_says():
    """Coverage at n=40 and a rate of 0.3, by the binomial distribution: 95 % give or take 2 points."""
    covered = sum(binom.pmf(k, 40, 0.3) for k in range(41) if wilson(k, 40)[0] <= 0.3 <= wilson(k, 40)[1])
    assert 0.93 < covered < 0.97
