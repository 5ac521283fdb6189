"""The way through the stages: a line for each kept model, with and without thoughts."""

import json

import pytest

from bloomery.forge.exams import sit
from bloomery.forge.folders import load_model, save_model
from bloomery.forge.way import look_back
from bloomery.tasks.tokenizer import train_tokenizer
from tests.forge.quietstar.planted import small_llama
from tests.forge.thinker import WORDS, after_thoughts_in, context_in, sums, thinker_in


@pytest.fixture(scope="module")
def models(tmp_path_factory):
    root = tmp_path_factory.mktemp("models")
    save_model(small_llama(), train_tokenizer([]), root / "bare")
    return {"cognate": root / "bare", "quietstar": thinker_in(root / "thinker")}


def looked(folder, models, thoughts):
    words = {"mixture": WORDS.mixture, "exam": WORDS.exam, "thoughts": thoughts, "stages": list(models)}
    context = context_in(folder, models, words)
    look_back(context)
    return context, json.loads((context.output / "way.json").read_text())


def curve(context, name):
    return [(row.step, row.value) for row in context.journal.metrics if row.name == name]


def test_each_line_has_accuracy_at_once_and_after_thoughts_where_the_model_knows_their_tokens(
    models, tmp_path
):
    context, (bare, thinking) = looked(tmp_path, models, WORDS.thoughts)
    rate = after_thoughts_in(models["quietstar"])
    assert (bare["thinking"], thinking["thinking"]) == (None, rate)
    at_once = sit(*load_model(models["quietstar"]), {"sums": sums()})["sums"].rate
    assert thinking["accuracy"] == at_once != rate
    assert curve(context, "accuracy with thoughts after each stage") == [(1, rate)]
    first, second = context.facts["graph"]["nodes"]
    assert first["title"] == f"cognate: {bare['accuracy']:.3f}"
    assert second["title"] == f"quietstar: {at_once:.3f}, with thoughts {rate:.3f}"


def test_a_recipe_without_thoughts_has_none_on_its_way(models, tmp_path):
    context, rows = looked(tmp_path, models, None)
    assert [row["thinking"] for row in rows] == [None, None]
    assert curve(context, "accuracy with thoughts after each stage") == []
    assert "thoughts" not in str(context.facts["graph"]["nodes"])
