"""Self-modelling as a step: of two trainings one goes on, and what is asked about was never learned."""

import json
from dataclasses import asdict, replace

import pytest

from bloomery.forge.curriculum import introspecting
from bloomery.forge.curriculum.lessons import Lesson
from bloomery.forge.curriculum.rungs import part_of
from bloomery.forge.folders import load_model, save_model
from bloomery.tasks.splitting import side_of
from tests.forge.curriculum.pupils import TOKENIZER, config, context_in, pupil

LADDER = {"rungs": {"chained_sums": [8, 10, 11]}}
SOLVED = [asdict(Lesson(f"{'1+' * ones}0=", str(ones), ones + 1)) for ones in (6, 7)]


@pytest.fixture(scope="module")
def start(tmp_path_factory):
    folder = tmp_path_factory.mktemp("start")
    save_model(pupil(30), TOKENIZER, folder / "model")
    (folder / "ladder.json").write_text(json.dumps(LADDER))
    (folder / "log.json").write_text(json.dumps({"solved": SOLVED}))
    return {"edited": folder / "model", "ladder": folder / "ladder.json", "log": folder / "log.json"}


def test_a_temperature_is_to_be_told_of_texts_after_prompts_that_no_training_saw(
    start, tmp_path, monkeypatch
):
    asked, best = [], introspecting.best_possible

    def heard(model, tokenizer, texts, temperatures):
        asked.extend(texts)
        return best(model, tokenizer, texts, temperatures)

    monkeypatch.setattr(introspecting, "best_possible", heard)
    context = context_in(tmp_path, start, config())
    introspecting.introspect(context)
    assert len(asked) == json.loads((context.output / "log.json").read_text())["texts"] == 12
    assert {(side_of(one.prompt), part_of(one.prompt)) for one in asked} == {("test", "selection")}


def test_hot_texts_that_are_longer_when_read_again_are_left_out(start, tmp_path):
    """A byte that is no text by itself becomes three: eight tokens may be 24, and there is room for eight."""
    words = config()
    hot = replace(words.self_model, temperatures=(0.5, 50.0), new_tokens=8, steps=4, share=0.9)
    context = context_in(tmp_path, start, replace(words, self_model=hot, fit=replace(words.fit, seq_len=35)))
    introspecting.introspect(context)
    assert json.loads((context.output / "log.json").read_text())["texts"] == 12


def test_both_trainings_are_as_much_slower_as_is_asked_for(start, tmp_path, monkeypatch):
    rates, train = [], introspecting.fit

    def heard(context, model, data, fitting, **options):
        rates.append(fitting.numbers().lr)
        return train(context, model, data, fitting, **options)

    monkeypatch.setattr(introspecting, "fit", heard)
    words = config()
    slow = replace(words, self_model=replace(words.self_model, rate=0.25))
    introspecting.introspect(context_in(tmp_path, start, slow))
    assert rates == [words.fit.numbers().lr / 4] * 2


@pytest.mark.parametrize(("better", "kept"), [(0, "self-model"), (1, "control"), (None, "self-model")])
def test_the_more_accurate_training_goes_on_and_of_equal_ones_the_self_model(
    start, tmp_path, monkeypatch, better, kept
):
    arms = []

    def rates(model, *_):
        arms.append(model)
        return [1.0 if len(arms) - 1 == better else 0.5]

    monkeypatch.setattr(introspecting, "climbed_rates", rates)
    context = context_in(tmp_path, start, config())
    introspecting.introspect(context)
    assert json.loads((context.output / "log.json").read_text())["kept"] == kept
    ours, theirs = arms[("self-model", "control").index(kept)], load_model(context.output / "model")[0]
    for name, tensor in ours.state_dict().items():
        assert tensor.equal(theirs.state_dict()[name]), name
