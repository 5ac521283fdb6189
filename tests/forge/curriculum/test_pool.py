"""The pool as a state machine: streaks, hints, and that mastery empties it."""

import random

from hypothesis import given
from hypothesis import strategies as st

from bloomery.forge.curriculum.pool import HINTS, STREAK, Pool, Problem, after, fill, hint, turn
from bloomery.tasks.task import Example


def example(number, answer="12345"):
    return Example(f"{number}?", answer, 1)


def fresh(problem):
    return example(f"{problem.number}.{problem.tries}")


def pool_of(count):
    return fill([("task", example(number)) for number in range(count)])


def test_a_variant_does_not_break_the_streak():
    """The origin's never-draining pool: each success brought a new problem with a streak of 0."""
    once = after(Problem(7, "task", example(7)), True, fresh)
    assert once.streak == 1
    assert once.example != example(7)
    assert once.number == 7


def test_three_in_a_row_are_mastered_and_leave():
    pool = pool_of(1)
    for _ in range(STREAK - 1):
        pool = turn(pool, {0: True}, fresh)
        assert len(pool.open) == 1
    assert turn(pool, {0: True}, fresh) == Pool((), 1)


def test_a_failure_ends_the_streak_keeps_the_problem_and_gives_a_hint():
    twice = Problem(0, "task", example(0), streak=2)
    failed = after(twice, False, fresh)
    assert (failed.streak, failed.hints, failed.example) == (0, 1, example(0))


def test_there_are_at_most_five_hints_and_the_last_is_the_answer():
    problem = Problem(0, "task", example(0))
    shown = []
    for _ in range(HINTS + 2):
        shown.append(hint(problem))
        problem = after(problem, False, fresh)
    assert shown == ["", "1", "12", "123", "1234", "12345", "12345"]
    assert problem.hints == HINTS


def test_a_short_answer_is_shown_by_the_first_hint():
    assert hint(Problem(0, "task", example(0, "7"), hints=1)) == "7"


def test_a_success_with_a_hint_counts_nothing_and_a_variant_comes_without():
    helped = after(Problem(0, "task", example(0), hints=3), True, fresh)
    assert (helped.streak, helped.hints) == (0, 0)
    assert helped.example != example(0)


def test_who_was_tried_goes_to_the_end_and_nobody_else_moves():
    pool = turn(pool_of(4), {0: True, 2: False}, fresh)
    assert [one.number for one in pool.open] == [1, 3, 0, 2]
    assert [one.tries for one in pool.open] == [0, 0, 1, 1]


@given(st.lists(st.lists(st.booleans(), max_size=6), min_size=1, max_size=8), st.integers(0, 9))
def test_mastery_drains_the_pool(histories, seed):
    """Whatever failures came before, enough successes empty it; nothing is lost or mastered twice."""
    rng, pool = random.Random(seed), pool_of(len(histories))
    unaided = dict.fromkeys(range(len(histories)), 0)
    waiting = [list(history) for history in histories]
    for _ in range(6 + HINTS + STREAK + 2):
        asked = [one for one in pool.open if rng.random() < 0.9] or list(pool.open)
        outcomes = {one.number: (waiting[one.number] or [True]).pop(0) for one in asked}
        for one in asked:
            counts = outcomes[one.number] and not one.hints
            unaided[one.number] = unaided[one.number] + 1 if counts else 0
        before, pool = pool, turn(pool, outcomes, fresh)
        assert pool.size == len(histories)
        assert {one.number for one in before.open} - {one.number for one in pool.open} == {
            one.number for one in asked if unaided[one.number] == STREAK
        }
    for _ in range(STREAK + 1):  # one more where a hint is to be worked off
        pool = turn(pool, {one.number: True for one in pool.open}, fresh)
    assert pool == Pool((), len(histories))
