"""The full-size recipe of all stages: sound as a plan, and what it shows fits where it is shown.

The tokenizer has the bytes alone, so that every text is at least as long as with the recipe's merges.
"""

from dataclasses import replace

import pytest

from bloomery.core.config import Recipe
from bloomery.core.errors import ConfigError
from bloomery.forge.cognate.growing import PRESETS
from bloomery.forge.curriculum.course import check_fits, reach_of
from bloomery.forge.curriculum.ladder import Ladder, ladder
from bloomery.forge.curriculum.proposing import graded_tasks
from bloomery.forge.data import training_rows
from bloomery.forge.exams import exams
from bloomery.forge.experts.cells import cells
from bloomery.forge.pipeline import plan, plan_of
from bloomery.forge.quietstar.tokens import END, START
from bloomery.forge.settings import is_data_set
from bloomery.forge.stages import ORDER
from bloomery.tasks.chains.chain import STRATEGIES
from bloomery.tasks.tokenizer import train_tokenizer

RECIPE = "forge/cognate-25m-compressed"


@pytest.fixture(scope="module")
def whole():
    return plan(RECIPE)


@pytest.fixture(scope="module")
def configs(whole):
    return {stage.name: config for stage, config in whole.stages}


@pytest.fixture(scope="module")
def generated(whole):
    """What has difficulties; data sets would have to be downloaded."""
    return {name: given for name, given in whole.mixture.items() if not is_data_set(name)}


@pytest.fixture(scope="module")
def tokenizer():
    made = train_tokenizer([])
    made.add_tokens([START, END], special_tokens=True)
    return made


def test_it_has_every_stage_and_comes_back_from_what_a_run_keeps(whole):
    assert [stage for stage, _ in whole.stages] == list(ORDER)
    assert plan_of(whole.name, Recipe(values=whole.to_plain(), origin={})) == whole


def test_it_grows_the_model_of_the_recipe_that_it_extends(whole, configs):
    """The data sets in the same proportions to one another, and about as often each."""
    ((_, first),) = plan("forge/cognate-25m").stages
    own = configs["cognate"]
    assert (own.preset, own.vocabulary, own.bars) == (first.preset, first.vocabulary, first.bars)
    assert {name: whole.mixture[name] for name in first.mixture} == dict(first.mixture)
    for name, one in own.specialists.items():
        assert set(one.mixture) == set(whole.mixture)
        assert {task: one.mixture[task] for task in first.mixture} == first.specialists[name].mixture
    weights = [sum(one.weight for one in mixture.values()) for mixture in (first.mixture, whole.mixture)]
    passes = own.base.epochs * weights[0] / weights[1]
    assert passes == pytest.approx(first.base.epochs, abs=0.5)


def test_every_thought_fits_wherever_it_is_shown(configs, generated, tokenizer):
    thoughts = configs["quietstar"].thoughts
    assert set(thoughts.strategies) == set(STRATEGIES)
    fits = [
        configs["quietstar"].fit,
        configs["bitnet"].fit,
        configs["curriculum"].fit,
        configs["baking"].teach,
    ]
    for fit in fits:
        short = replace(fit, steps=1, epochs=None, mixture=generated, schedule=type(fit.schedule)())
        assert len(training_rows(short, tokenizer, thoughts, seed=0))
        with pytest.raises(ConfigError, match="seq_len=48"):
            training_rows(replace(short, seq_len=48), tokenizer, thoughts, seed=0)


def test_no_row_is_longer_than_the_models_window(configs):
    window = PRESETS[configs["cognate"].preset]().max_position_embeddings
    fits = [config.fit for config in configs.values() if hasattr(config, "fit")]
    fits += [configs["cognate"].base, configs["cognate"].specialist, configs["baking"].teach]
    assert len(fits) == 7
    assert max(fit.seq_len for fit in fits) == 512 <= window


def test_the_ladder_has_ten_rungs_whose_hardest_problems_fit(configs, generated, tokenizer):
    config = replace(configs["curriculum"], mixture=generated)
    tasks = graded_tasks(generated)
    assert set(config.climb.hardest) == set(tasks)
    ends = {name: reach_of(config, name, task) for name, task in tasks.items()}
    rungs = Ladder({name: ladder(end[0], end[-1], config.climb.rungs) for name, end in ends.items()})
    assert len(rungs) == 10
    assert all(len(set(levels)) == 10 for levels in rungs.rungs.values())
    check_fits(config, rungs, tokenizer, 512)


def test_it_introspects_and_bakes_principles_and_tools(configs):
    assert configs["curriculum"].self_model.steps > 0
    assert set(configs["curriculum"].principles.prompts) == {"values", "ooda", "identity"}
    assert configs["baking"].tools.tasks
    assert configs["baking"].teach is not None
    assert configs["baking"].personas()


def test_there_are_cells_for_all_experts_and_examples_for_every_exam(whole, configs, generated):
    """Every difficulty has as many different prompts as are asked for."""
    exam = replace(whole.exam, data_sets=())
    given = cells(generated, exam, "selection")
    assert (configs["experts"].find.fewest, configs["experts"].find.most) == (3, 10)
    assert len(given) >= 10
    assert (configs["experts"].search.generations, configs["experts"].search.population) == (100, 50)
    for part, count in (("selection", whole.exam.selection), ("test", whole.exam.test)):
        sizes = {name: len(exam.prompts()) for name, exam in exams(generated, exam, part).items()}
        assert set(sizes) == set(generated)
        assert all(abs(size - count) <= 4 for size in sizes.values())
