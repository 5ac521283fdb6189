import random
from collections import Counter

import pytest

from bloomery.core.errors import ConfigError
from bloomery.forge.quietstar.conditions import CONDITIONS, conditioned
from bloomery.tasks.task import Example

EXAMPLES = [Example(f"p{at}", "1", difficulty) for at, difficulty in enumerate([3, 4, 3, 4, 3, 4, 4])]
THOUGHTS = [[at, at + 10, at + 20][: 1 + at % 3] for at in range(7)]


def given(examples=EXAMPLES, thoughts=THOUGHTS, seed=0):
    return conditioned(examples, thoughts, [99], random.Random(seed))


@pytest.mark.parametrize("seed", range(5))
def test_everybody_gets_the_thought_of_another_who_had_it_as_hard(seed):
    thoughts = [[at] for at in range(7)]
    shuffled = [one for (one,) in given(thoughts=thoughts, seed=seed)["shuffled"]]
    assert sorted(shuffled) == list(range(7))
    for at, other in enumerate(shuffled):
        assert other != at
        assert EXAMPLES[other].difficulty == EXAMPLES[at].difficulty


def test_one_that_nobody_had_as_hard_gets_somebody_elses():
    examples = [Example("a", "1", 2), Example("b", "1", 2), Example("c", "1", 9)]
    shuffled = given(examples, [[0], [1], [2]])["shuffled"]
    assert all(shuffled[at] != [at] for at in range(3))
    assert sorted(shuffled) == [[0], [1], [2]]


def test_a_lone_example_is_refused():
    with pytest.raises(ConfigError, match="examine two or more"):
        given(EXAMPLES[:1], THOUGHTS[:1])


def test_each_condition_keeps_what_it_says_of_a_thought():
    found = given()
    assert tuple(found) == CONDITIONS
    assert found["without"] == [None] * 7
    assert found["own"] == THOUGHTS
    assert found["filler"] == [[99] * len(ids) for ids in THOUGHTS]
    assert [Counter(ids) for ids in found["permuted"]] == [Counter(ids) for ids in THOUGHTS]
    (mixed,) = given(EXAMPLES[:1] * 2, [list(range(50)), [1]])["permuted"][:1]
    assert mixed != list(range(50))
