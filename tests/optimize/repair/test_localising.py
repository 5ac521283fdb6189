import math

import pytest

from bloomery.optimize.proposers.repair.localising import ochiai

LINES = {
    "bad": frozenset({1, 2, 3}),
    "also bad": frozenset({1, 3}),
    "good": frozenset({1, 4}),
    "fine": frozenset({1}),
}


def test_a_line_is_suspected_as_the_formula_says():
    found = ochiai(LINES, {"bad", "also bad"})
    assert found == {
        1: pytest.approx(2 / math.sqrt(2 * 4)),
        2: pytest.approx(1 / math.sqrt(2 * 1)),
        3: pytest.approx(1.0),  # all failing tests run it, and no other
    }


def test_a_line_that_no_failing_test_runs_is_not_suspected():
    assert 4 not in ochiai(LINES, {"bad", "also bad"})


def test_without_a_failing_test_nothing_is_suspected():
    assert ochiai(LINES, set()) == {}
