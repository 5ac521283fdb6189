"""Discovery: which cells belong together, and how many experts the held-out examples speak for."""

import pytest

from bloomery.core.config import build
from bloomery.core.errors import ConfigError, UserError
from bloomery.forge.experts.cells import cells, freeze
from bloomery.forge.experts.discovery import clustered, discover, smallest_not_worse
from bloomery.forge.experts.settings import FindConfig
from bloomery.forge.folders import load_model
from bloomery.forge.settings import ExamConfig
from bloomery.models.packed.svf import Attached, linear_layers
from bloomery.tasks.ingredient import Ingredient
from tests.forge.experts.planted import MIXTURE

EXAM = ExamConfig(selection=32, test=32)
# cells 0 and 2 help each other, 1 and 3 do, and the two pairs hurt one another
PAIRS = [[0.5, -1.0, 0.4, -0.8], [-1.0, 0.6, -0.7, 0.3], [0.3, -0.9, 0.5, -1.0], [-0.9, 0.4, -1.0, 0.5]]


def test_cells_that_help_each_other_are_merged_first():
    assert clustered(PAIRS, 4) == ((0,), (1,), (2,), (3,))
    assert clustered(PAIRS, 3) == ((0, 2), (1,), (3,))
    assert clustered(PAIRS, 2) == ((0, 2), (1, 3))


def test_of_numbers_that_are_alike_the_smallest_is_taken():
    alike = {2: [0.5, 0.4, 0.5, 0.4], 3: [0.51, 0.39, 0.5, 0.41], 4: [0.2, 0.1, 0.2, 0.1]}
    assert smallest_not_worse(alike) == 2


def test_a_number_that_is_clearly_better_is_taken():
    assert smallest_not_worse({2: [0.1, 0.1, 0.1], 3: [0.5, 0.6, 0.5], 4: [0.5, 0.6, 0.5]}) == 3


@pytest.fixture
def opened(torn, planted):
    model, tokenizer = load_model(torn)
    freeze(model)
    return model, tokenizer, Attached(model, dict.fromkeys(linear_layers(model)))


@pytest.mark.slow
def test_three_opposed_kinds_are_three_experts(opened):
    given = cells(MIXTURE, EXAM, "selection")
    found = discover(*opened, given, FindConfig(most=5, probe_steps=30), seed=1)
    kinds = [{given[place].task.name for place in cluster} for cluster in found.clusters]
    assert kinds == [{"first"}, {"second"}, {"last"}]
    assert found.gains[3] > 0.2
    assert set(found.gains) == {3, 4, 5}


def test_discovery_leaves_the_model_as_it_was(opened):
    given = cells(MIXTURE, EXAM, "selection")
    discover(*opened, given[:3], FindConfig(most=3, probe_steps=1), seed=1)
    assert float(opened[2].delta().abs().max()) == 0.0
    assert opened[2].flops() == 0


def test_more_experts_than_cells_are_refused(opened):
    given = cells(MIXTURE, EXAM, "selection")
    with pytest.raises(UserError, match="at least 7 experts were asked for and the held-out tasks have 6"):
        discover(*opened, given, FindConfig(fewest=7), seed=1)


def test_a_cell_that_cannot_be_halved_is_refused(opened):
    given = cells(MIXTURE, ExamConfig(selection=2, test=8), "selection")
    with pytest.raises(UserError, match="first/1 has fewer than two"):
        discover(*opened, given, FindConfig(), seed=1)


def test_a_range_that_holds_no_number_is_refused():
    with pytest.raises(ConfigError, match="fewest is 4 and most 3"):
        FindConfig(fewest=4, most=3)


def test_by_default_there_are_three_to_ten_experts():
    assert (FindConfig().fewest, FindConfig().most) == (3, 10)


@pytest.mark.parametrize("words", [{"fewest": 2}, {"most": 11}, {"fewest": 1, "most": 2}])
def test_a_number_of_experts_that_is_out_of_range_is_refused(words):
    name, value = next(iter(words.items()))
    with pytest.raises(ConfigError, match=rf"{name}.*{value}"):
        build(FindConfig, words)


def test_a_mixture_without_a_scorer_is_refused():
    with pytest.raises(ConfigError, match=r"exact scorers, and the mixture \(parity\) has none"):
        cells({"parity": Ingredient(weight=0.0)}, EXAM, "selection")
