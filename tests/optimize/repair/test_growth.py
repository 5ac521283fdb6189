"""A repair whose steps grow faster than the original's, where that was right, stands behind every other."""

import pytest

from bloomery.optimize.proposers.repair.edits import Edit
from bloomery.optimize.proposers.repair.growth import slower
from bloomery.optimize.proposers.repair.proposing import facts_of
from bloomery.optimize.proposers.repair.ranking import ORIGINAL, Answer, standings
from bloomery.optimize.proposers.repair.repairing import Repair

SIZES = (1, 2, 4, 8)
KINDS = {at: f"grown:f:{size}" for at, size in enumerate(SIZES)}


def answers(steps, ended="returned", digest="same"):
    return {at: Answer(ended, digest, round(steps(100 * size))) for at, size in enumerate(SIZES)}


LINEAR = answers(lambda n: 3 * n)
SQUARED = (800**2 + 20) / (3 * 800 + 20)


@pytest.mark.parametrize(
    ("given", "times"),
    [
        (answers(lambda n: 3 * n), 1.0),
        (answers(lambda n: 30 * n), 1.0),  # slower by the same factor at every size: no other order
        (answers(lambda n: n * n), SQUARED),
        (answers(lambda n: n * n, digest="another"), 1.0),  # the original was wrong there: it may do less
        (answers(lambda n: n * n, ended="steps"), SQUARED),
        (answers(lambda n: n * n, ended="ValueError"), 1.0),
    ],
)
def test_only_another_order_of_growth_on_inputs_that_the_original_answered_counts(given, times) -> None:
    assert slower(KINDS, LINEAR, given) == pytest.approx(times)


def test_where_the_original_ends_by_an_exception_nothing_is_said() -> None:
    assert slower(KINDS, answers(lambda n: 3, "IndexError"), answers(lambda n: n * n)) == 1


def test_it_stands_behind_even_where_most_repairs_are_as_slow_and_the_proposal_says_so() -> None:
    """What most repairs need would be called usual; the original decides."""
    slow = answers(lambda n: n * n)
    edits = {at: Edit("o", 1, 1.0, 1.0 if at < 3 else 30.0, (), 1) for at in range(4)}
    given = {ORIGINAL: LINEAR, 0: slow, 1: slow, 2: slow, 3: LINEAR}
    found = standings(edits, KINDS, given)
    assert [one.grows > 2 for one in found.values()] == [False] * 4
    assert min(found, key=lambda at: found[at].order) == 3
    assert found[0].is_doubtful
    told = [facts_of(Repair("", "o", 1, "f", found[at]), at) for at in (0, 3)]
    assert [(one["rank"], one["slower"]) for one in told] == [(0, True), (3, False)]
