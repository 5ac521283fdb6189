"""Parts of a verb's work by name: counted steps tell where one ends and the next begins."""

import pytest

from bloomery.cli.training import Part, Parts, training
from bloomery.core.errors import UserError
from bloomery.core.step import Paused


@pytest.fixture
def seen():
    return []


def parts_of(seen, **parts):
    return Parts(lambda *told: seen.append(told[:3]), parts)


def test_trainings_that_follow_one_another_are_told_apart_by_their_steps(seen):
    watch = parts_of(seen, teach=Part(3), reinforce=Part(1))
    for done, total in [(0, 2), (1, 2), (2, 2), (0, 2), (2, 2)]:
        watch(done, total, "loss")
    assert seen == [
        ("teach", 0, 2), ("teach", 1, 2), ("teach", 2, 2), ("reinforce", 0, 0), ("reinforce", 0, 2),
        ("reinforce", 2, 2),
    ]  # fmt: skip


def test_a_training_that_goes_on_from_a_checkpoint_is_told_from_the_one_before(seen):
    watch = parts_of(seen, teach=Part(3), reinforce=Part(1))
    watch(2, 2, "")  # done before a kill
    watch(5, 9, "")
    assert seen[-1] == ("reinforce", 5, 9)


def test_a_part_that_is_repeated_is_one_whole(seen):
    watch = parts_of(seen, bake=Part(1, times=2))
    for done in (0, 4, 0, 4):
        watch(done, 4, "")
    assert [done for _, done, _ in seen] == [0, 4, 4, 8]
    assert {total for _, _, total in seen} == {8}


def test_the_last_part_counts_no_further_than_its_end(seen):
    watch = parts_of(seen, bake=Part(1))
    for done in (4, 1):
        watch(done, 4, "")
    assert seen[-1] == ("bake", 1, 4)


def test_a_part_may_begin_by_its_name(seen):
    watch = parts_of(seen, find=Part(1), teach=Part(1, times=3), search=Part(1))
    watch(0, 0, "search")
    watch(1, 2, "")
    assert seen == [("search", 0, 0), ("search", 1, 2)]


def test_a_pause_says_what_to_do_and_nothing_else_is_changed():
    said = r"^paused at step 2 of 4; the same command goes on$"
    with pytest.raises(Paused, match=said), training({"teach": Part(1)}):
        raise Paused("paused at step 2 of 4; resume to go on")
    with pytest.raises(UserError, match=r"^mine$"), training({"teach": Part(1)}):
        raise UserError("mine")
