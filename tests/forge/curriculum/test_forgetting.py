"""The forgetting matrix in closed form."""

import pytest

from bloomery.forge.curriculum.forgetting import forgetting, matrix_of


def test_what_was_best_and_is_lost_is_forgotten():
    """Rung 0: best 0.9, now 0.5. Rung 1: best 0.8, now 0.7. Rung 2 was not left."""
    matrix = {0: [0.9, 0.1, 0.0], 1: [0.8, 0.8, 0.1]}
    assert forgetting(matrix, [0.5, 0.7, 0.6]) == pytest.approx(((0.9 - 0.5) + (0.8 - 0.7)) / 2)


def test_the_rung_that_was_left_last_counts_with_the_others():
    """Rung 1 had 0.8 when it was left, and 0.2 when all was done."""
    assert forgetting({0: [0.5, 0.0], 1: [0.5, 0.8]}, [0.5, 0.2]) == pytest.approx((0.0 + 0.6) / 2)


def test_a_rung_counts_from_the_row_in_which_it_was_left():
    """That rung 1 was better before it was climbed is no forgetting."""
    assert forgetting({0: [0.5, 1.0], 1: [0.5, 0.6]}, [0.5, 0.6, 0.0]) == 0.0


def test_where_later_rungs_help_forgetting_is_below_nothing():
    assert forgetting({0: [0.5, 0.0]}, [0.75, 0.5]) == -0.25


def test_who_left_nothing_forgot_nothing():
    assert forgetting({}, [0.4]) == 0.0


def test_rows_come_back_in_the_order_of_rungs():
    assert list(matrix_of({"10": [1.0], "2": [0.5], "0": [0.0]})) == [0, 2, 10]
