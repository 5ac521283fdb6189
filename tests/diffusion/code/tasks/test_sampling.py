"""What is held out stays out; what is hidden stays hidden."""

import json
from hashlib import sha256
from itertools import pairwise

import pytest

from bloomery.core.errors import ConfigError
from bloomery.diffusion.code.judging.program import LANGUAGES
from bloomery.diffusion.code.tasks.catalogue import OPERATIONS
from bloomery.diffusion.code.tasks.inputs import EDGES, examples, is_plain
from bloomery.diffusion.code.tasks.operation import Step
from bloomery.diffusion.code.tasks.sampling import draw
from bloomery.diffusion.code.tasks.splitting import side_of


def held(names):
    return sha256(" | ".join(names).encode()).digest()[0] < 32


def test_no_held_out_composition_is_drawn_for_training():
    drawn = {tuple(step.name for step in one.meaning) for one in draw(900, seed=1, side="train")}
    assert not [names for names in drawn if len(names) > 1 and held(names)]
    assert not [pair for names in drawn for pair in pairwise(names) if held(pair)]


def test_every_tested_composition_is_held_out():
    for one in draw(200, seed=1, side="test", depths=(2, 3)):
        names = [step.name for step in one.meaning]
        assert held(names) or any(map(held, pairwise(names)))


def test_about_one_pair_of_eight_is_held_out_and_no_single_operation():
    pairs = [
        (Step(one.name), Step(other.name))
        for one in OPERATIONS.values()
        for other in OPERATIONS.values()
        if one.gives is other.takes
    ]
    share = sum(side_of(pair) == "test" for pair in pairs) / len(pairs)
    assert abs(share - 1 / 8) < 4 * (1 / 8 * 7 / 8 / len(pairs)) ** 0.5  # four standard errors of a fair hash
    assert {side_of((Step(name),)) for name in OPERATIONS} == {"train"}


def test_parameters_do_not_move_a_composition_to_the_other_side():
    sides = {
        side_of((Step("keep_above", k), Step("first_numbers", other))) for k in (2, 9) for other in (3, 4)
    }
    assert len(sides) == 1


def test_equal_seeds_give_equal_samples_and_others_do_not():
    assert draw(20, seed=3, side="train") == draw(20, seed=3, side="train")
    assert draw(20, seed=3, side="train") != draw(20, seed=4, side="train")


def test_depths_and_languages_are_shared_out_evenly():
    drawn = draw(30, seed=0, side="train")
    assert [len(one.meaning) for one in drawn] == [1, 2, 3] * 10
    assert {one.program.language for one in drawn} == set(LANGUAGES)
    assert [one.program.language for one in draw(4, seed=0, side="train", languages=("go",))] == ["go"] * 4


def test_what_cannot_be_drawn_is_refused():
    with pytest.raises(ConfigError, match="never held out"):
        draw(1, seed=0, side="test")
    with pytest.raises(ConfigError, match="1 to 3"):
        draw(1, seed=0, side="train", depths=(4,))


@pytest.mark.parametrize("name", ["keep_even", "sum", "upper", "longest", "digits"])
def test_hidden_inputs_are_never_shown_and_begin_with_edge_cases(name):
    meaning = (Step(name),)
    shown = {
        json.dumps(one.arguments)
        for seed in range(20)
        for one in examples(meaning, count=8, seed=seed, hidden=False)
    }
    hidden = [one for seed in range(5) for one in examples(meaning, count=12, seed=seed, hidden=True)]
    assert not shown & {json.dumps(one.arguments) for one in hidden}
    assert hidden[0].arguments == (EDGES[OPERATIONS[name].takes][0],)
    assert len({json.dumps(one.arguments) for one in hidden[:12]}) == 12


def test_a_step_that_changes_nothing_makes_no_composition():
    assert not is_plain((Step("sort_up"), Step("sum")))
    assert not is_plain((Step("reverse"), Step("reverse")))
    assert not is_plain((Step("keep_even"), Step("keep_odd"), Step("count")))
    assert is_plain((Step("keep_even"), Step("sum")))
    assert is_plain((Step("sort_up"), Step("first_numbers", 3)))
