import pytest

from bloomery.optimize.proposers.repair.edits import Edit
from bloomery.optimize.proposers.repair.ranking import ORIGINAL, Answer, standings

KINDS = {0: "passed", 1: "passed", **dict.fromkeys(range(2, 12), "drawn"), 12: "grown:f:1", 13: "grown:f:8"}
KINDS |= dict.fromkeys(range(14, 64), "edge")
PLAIN = {place: Answer("returned", f"answer {place}", 10 if place < 13 else 80) for place in KINDS}


def edit(**changed):
    return Edit(**{"operator": "o", "cost": 1, "score": 1.0, "size": 1.0, "changes": (), "line": 1} | changed)


def best(edits, answers, **more):
    found = standings(edits, KINDS, {ORIGINAL: PLAIN, **answers}, **more)
    return min(found, key=lambda name: found[name].order), found


def test_of_two_that_do_the_same_the_smaller_edit_stands_first():
    assert best({1: edit(size=3.0), 2: edit(size=1.0)}, {1: PLAIN, 2: PLAIN})[0] == 2


WORSE = {
    "answers a passing test's call otherwise": {0: Answer("returned", "another", 10)},
    "raises what the original does not": {2: Answer("IndexError", "", 10)},
    "raises it on two of fifty edges alone": {at: Answer("IndexError", "", 10) for at in (14, 15)},
    "never ends on a drawn input": {2: Answer("steps", "", 10)},
    "needs ten times the steps on large inputs": {13: Answer("returned", "answer 13", 1000)},
}


@pytest.mark.parametrize("change", WORSE.values(), ids=WORSE)
def test_what_breaks_something_stands_behind_a_larger_edit_that_does_not(change):
    edits = {1: edit(size=1.0), 2: edit(size=2.0)}
    first, found = best(edits, {1: PLAIN | change, 2: PLAIN})
    assert first == 2
    assert found[1].is_doubtful
    assert not found[2].is_doubtful


def test_what_is_slower_stands_behind_the_largest_edit_that_is_not():
    slow = PLAIN | {13: Answer("returned", "answer 13", 1000)}
    edits = {1: edit(size=1.0), 2: edit(size=30.0, cost=4)}
    first, found = best(edits, {1: slow, 2: PLAIN})
    assert first == 2
    assert found[1].penalty < found[2].penalty


def test_deleted_calls_and_returns_count_against_an_edit():
    first, found = best({1: edit(removes=2), 2: edit(size=3.0)}, {1: PLAIN, 2: PLAIN})
    assert (first, found[1].is_doubtful) == (2, True)


def test_other_answers_count_only_where_the_original_failed_by_crashing():
    strays = PLAIN | {place: Answer("returned", "another", 10) for place in range(2, 8)}
    edits = {1: edit(size=1.0), 2: edit(size=2.0, cost=2)}
    assert best(edits, {1: strays, 2: PLAIN}, crashed=False)[0] == 1
    assert best(edits, {1: strays, 2: PLAIN}, crashed=True)[0] == 2


def test_without_any_answers_nothing_is_held_against_an_edit():
    found = standings({1: edit()}, {}, {})
    assert (found[1].disagrees, found[1].raises, found[1].grows) == (0, 0, 1)
