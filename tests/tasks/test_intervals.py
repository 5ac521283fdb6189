import pytest
from scipy.stats import binom, binomtest, multinomial

from bloomery.tasks.intervals import paired_difference, wilson


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


def outcomes(both, first, second, neither):
    """Pairs of outcomes, counted by who was right."""
    pairs = (
        [(True, True)] * both
        + [(True, False)] * first
        + [(False, True)] * second
        + [(False, False)] * neither
    )
    return [one for one, _ in pairs], [other for _, other in pairs]


TABLES = [(a, b, c, 20 - a - b - c) for a in range(21) for b in range(21 - a) for c in range(21 - a - b)]


@pytest.mark.parametrize("chances", [(0.3, 0.2, 0.1, 0.4), (0.1, 0.3, 0.02, 0.58), (0.25, 0.25, 0.25, 0.25)])
def test_the_interval_of_a_paired_difference_covers_it_about_as_often_as_it_says(chances):
    """Over all tables of 20 pairs by the multinomial distribution: 95 % give or take 2.5 points."""
    difference, covered = chances[1] - chances[2], 0.0
    for table in TABLES:
        low, high = paired_difference(*outcomes(*table))
        covered += multinomial.pmf(table, 20, chances) * (low <= difference <= high)
    assert 0.925 < covered < 0.975


def test_a_difference_that_is_none_is_seldom_called_one():
    """Either side of zero at most 2.5 %, and a little for the discreteness of 20 pairs."""
    chances = (0.3, 0.2, 0.2, 0.3)
    above = sum(
        multinomial.pmf(table, 20, chances) * (paired_difference(*outcomes(*table))[0] > 0)
        for table in TABLES
    )
    assert 0.01 < above < 0.032


def test_unrelated_outcomes_have_wilsons_intervals_squared_and_added():
    """Of a table that is a product of its margins nothing is left of the correlation."""
    low, high = paired_difference(*outcomes(12, 12, 8, 8))
    first, second = (
        binomtest(count, 40).proportion_ci(confidence_level=0.95, method="wilson") for count in (24, 20)
    )
    assert low == pytest.approx(0.1 - ((0.6 - first.low) ** 2 + (second.high - 0.5) ** 2) ** 0.5, abs=1e-12)
    assert high == pytest.approx(0.1 + ((first.high - 0.6) ** 2 + (0.5 - second.low) ** 2) ** 0.5, abs=1e-12)


def test_pairs_that_agree_make_the_interval_narrower_and_swapped_sides_mirror_it():
    alike, mixed = paired_difference(*outcomes(17, 6, 0, 17)), paired_difference(*outcomes(13, 10, 4, 13))
    assert alike[1] - alike[0] < mixed[1] - mixed[0]
    low, high = paired_difference(*reversed(outcomes(17, 6, 0, 17)))
    assert (low, high) == pytest.approx((-alike[1], -alike[0]), abs=1e-12)
    assert paired_difference([], []) == (-1.0, 1.0)
