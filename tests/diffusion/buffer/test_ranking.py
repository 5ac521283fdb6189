"""The law of ranks against sums written out."""

import numpy as np
import pytest

from bloomery.diffusion.buffer.ranking import RankLaw


@pytest.mark.parametrize("alpha", [0.0, 0.6, 1.0, 3.0])
def test_even_numbers_fall_on_ranks_in_proportion_to_their_powers(alpha):
    law, grid = RankLaw(alpha, 9), (np.arange(20_000) + 0.5) / 20_000
    drawn = np.array([law.draw(u, 5) for u in grid.tolist()])
    weights = np.array([r**-alpha for r in range(1, 6)])
    shares = np.bincount(drawn, minlength=5) / len(grid)
    np.testing.assert_allclose(shares, weights / weights.sum(), atol=1 / len(grid))  # one grid cell
    np.testing.assert_array_equal(law.draw_all(grid, 5), drawn)


def test_equal_entries_share_the_weight_of_their_ranks():
    law = RankLaw(1.0, 4)
    one, tie = law.probability(0, 1, 4), law.probability(1, 3, 4)
    assert one == pytest.approx(1 / (1 + 1 / 2 + 1 / 3 + 1 / 4))
    assert one + 3 * tie == pytest.approx(1)


def test_the_best_share_gets_the_same_draws_of_few_entries_and_of_many():
    """The best f of them get f^(1 - alpha), up to what sums differ from integrals: n^(alpha - 1)."""
    law = RankLaw(0.6, 1_000_000)
    for entries in (10_000, 1_000_000):
        best = law.sums[entries // 100] / law.sums[entries]
        assert best == pytest.approx(0.01**0.4, abs=entries**-0.4)


def test_a_number_next_to_one_falls_on_the_last_rank():
    law = RankLaw(0.7, 1000)
    assert [law.draw(np.nextafter(1.0, 0.0), n) for n in range(1, 1001)] == list(range(1000))
