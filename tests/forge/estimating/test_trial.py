"""What was measured is scaled as it is counted; the clock is the tests' own."""

import math
import time
from dataclasses import replace

import pytest
import torch

from bloomery.forge.estimating import trial as trials
from bloomery.forge.estimating.compression import estimate as coding
from bloomery.forge.estimating.experts import estimate as designing
from bloomery.forge.estimating.trial import Trial, _Stopwatch, trial_of
from bloomery.forge.exams import NumberExam
from bloomery.forge.pipeline import plan
from bloomery.forge.settings import FitConfig
from bloomery.tasks.ingredient import Ingredient
from bloomery.tasks.task import Example
from tests.forge.whole import ALL


def configs(*changes):
    return {stage.name: config for stage, config in plan(ALL, changes).stages}


@pytest.fixture
def writes(monkeypatch):
    """The rows and new tokens of each writing; a writing takes 2 s and 0.5 s for each new token."""
    asked, now = [], [0.0]

    def write(_model, _tokenizer, prompts, *, max_new_tokens):
        asked.append((len(prompts), max_new_tokens))
        now[0] += 2 + 0.5 * max_new_tokens

    monkeypatch.setattr(trials, "write", write)
    monkeypatch.setattr(time, "perf_counter", lambda: now[0])
    return asked


def test_a_step_of_many_micro_batches_has_one_step_of_the_optimizer():
    watch = _Stopwatch(torch.optim.SGD([torch.nn.Parameter(torch.zeros(1))]))
    watch.ends, watch.optimizer_s = [0.0, 5.0, 10.0], [9.0, 2.0, 2.0]
    assert watch.seconds(accumulate=4) == 2 + 4 * 3


def test_what_is_written_takes_its_beginning_once_and_each_token_as_long(writes):
    trial = Trial(None, None)
    prompts = ["1+1="] * 8
    assert trial.writing_s(prompts, 128) == pytest.approx((2 + 0.5 * 128) / 8)
    assert trial.writing_s(prompts, 1) == pytest.approx((2 + 0.5) / 8)
    assert len(writes) == 2  # measured once


def test_an_exam_of_written_answers_takes_as_often_as_it_has_examples(writes):
    exam = NumberExam("numbers", [Example(f"{at}=", "1", 0) for at in range(200)], 128)
    assert Trial(None, None).sitting_s("numbers", exam) == pytest.approx(200 * (2 + 0.5 * 128) / trials.READ)


def test_the_model_that_is_measured_is_of_the_recipes_size_and_is_made_once():
    recipe = configs()
    first, trits = trial_of(recipe), trial_of(recipe, thoughts=True, ternary=recipe["bitnet"].ternary)
    assert first.model.config.vocab_size == recipe["cognate"].vocabulary == len(first.tokenizer)
    assert len(trits.tokenizer) == len(first.tokenizer) + 2
    assert trial_of(recipe) is first
    before = [one.clone() for one in first.model.parameters()]
    first.step_s(FitConfig(steps=9, seq_len=32, mixture={"parity": Ingredient(difficulties=(10,))}))
    assert all(map(torch.equal, before, first.model.parameters()))


def test_more_designs_and_experts_take_as_much_more():
    few, more = (
        {one.part: one for one in designing(recipe["experts"], recipe)}
        for recipe in (
            configs(),
            configs("stages.experts.search.generations=7", "stages.experts.find.most=6"),
        )
    )
    assert few["search"].steps == 8 + 1 * 2
    assert more["search"].steps == 8 + 7 * 2
    assert more["teach"].steps == 2 * few["teach"].steps
    assert all(one.bound for one in few.values())


def test_every_coder_and_candidate_is_counted():
    recipe = configs()
    config = replace(recipe["compression"], coders=("rows-4bit",), mixtures=1)
    found = {one.part: one for one in coding(config, recipe)}
    assert (found["code"].steps, found["calibrate"].steps) == (1, config.calibration)
    assert found["choose"].steps == 1 + 1 + len(config.embedding_coders) + 6
    assert all(math.isfinite(one.total_s) and one.total_s > 0 for one in found.values())
