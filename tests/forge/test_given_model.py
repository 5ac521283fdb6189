"""A recipe that begins with a model from a folder."""

import json
import random
import shutil

import pytest
import torch

from bloomery.core.config import Recipe
from bloomery.core.errors import ConfigError, MissingFile
from bloomery.core.workspace import Workspace
from bloomery.forge import pipeline
from bloomery.forge.folders import load_model, save_model
from bloomery.forge.packed_folder import is_packed
from bloomery.forge.pipeline import forge, plan_of, plan_of_run
from bloomery.tasks.batches import collate, row_of
from bloomery.tasks.registry import task
from bloomery.tasks.splitting import draw_from
from tests.forge import toy
from tests.forge.small_folders import llama

FIT = {"steps": 40, "seq_len": 16, "muon_grokfast": {"lr": 1e-2}, "train": {"micro_batch": 16}}
STAGES = {
    "bitnet": {"fit": {**FIT, "preset": "bitnet"}, "bars": {"kept": 0.0, "smaller": 1.0}},
    "compression": {
        "coders": ["rows-4bit"], "embedding_coders": ["rows-8bit"], "mixtures": 1, "calibration": 64,
        "bars": {"kept": 0.0, "kept_in_all": 0.0, "smaller": 1.0},
    },
}  # fmt: skip


def recipe(given, stages=STAGES, **root):
    mixture, exam = {"parity": {"difficulties": [10]}}, {"selection": 16, "test": 16}
    values = {"seed": 3, "given": str(given), "mixture": mixture, "exam": exam, "stages": stages, **root}
    return plan_of("from a folder", Recipe(values=values, origin={}))


@pytest.fixture
def folder(tmp_path):
    return llama(tmp_path / "llama")


def answer_with_a_digit(folder):
    """Until then no share of an accuracy is a number."""
    model, tokenizer = load_model(folder)
    rng, optimizer = random.Random(0), torch.optim.AdamW(model.parameters(), lr=1e-2)
    for _ in range(40):
        drawn = [draw_from(task("parity"), "train", rng, 10) for _ in range(16)]
        model(**collate(row_of(one, tokenizer, 16) for one in drawn)).loss.backward()
        optimizer.step()
        optimizer.zero_grad()
    save_model(model, tokenizer, folder)


@pytest.mark.slow
def test_a_llama_in_a_folder_goes_through_stages_and_ships(folder, tmp_path):
    answer_with_a_digit(folder)
    place = Workspace.open(tmp_path / "ws")
    forged = forge(place, recipe(folder), engine="inline")
    assert forged.rolled_back == {}
    assert is_packed(forged.folder)
    assert type(load_model(forged.folder)[0]).__name__ == "LlamaForCausalLM"
    given = plan_of_run(place, forged.run_id).given
    assert place.catalog.artifact(given).kind == "model"
    assert f"Begun with the model {given}" in (forged.folder / "README.md").read_text()
    (tuned,) = [step for step in place.catalog.steps(forged.run_id) if step.name == "bitnet.tune"]
    assert given in place.catalog.artifact(tuned.outputs["latent"]).parents


def test_a_run_goes_on_with_what_lay_in_the_folder_when_it_began(folder, tmp_path, monkeypatch):
    """By its content: the folder may go, and the same content elsewhere is the same beginning."""
    monkeypatch.setattr(pipeline, "ship", lambda run, model, card: model)
    monkeypatch.setattr(pipeline, "render_html", lambda data, charts: "")
    seen = []

    def note(at):
        seen.append(at.inputs["model"])
        return at.step("make", make, config=at.config, inputs=at.inputs).outputs

    monkeypatch.setattr(pipeline, "ORDER", (toy.stage("second", takes=("model",), how=note),))
    place, moved = Workspace.open(tmp_path / "ws"), tmp_path / "moved"
    first = forge(place, recipe(folder, {"second": {}}, mixture={}), engine="inline")
    shutil.move(folder, moved)
    pipeline.resume(place, first.run_id, engine="inline")
    second = forge(place, recipe(moved, {"second": {}}, mixture={}), engine="inline")
    assert (len(seen), len(set(seen))) == (3, 1)
    assert first.model == second.model


@pytest.mark.slow
def test_where_all_is_rolled_back_the_given_model_is_what_ships(folder, tmp_path):
    place, bars = Workspace.open(tmp_path / "ws"), {"kept": 100.0}
    stages = {"bitnet": {"fit": {**FIT, "steps": 1, "preset": "bitnet"}, "bars": bars}}
    forged = forge(place, recipe(folder, stages), engine="inline")
    assert list(forged.rolled_back) == ["bitnet"]
    assert (forged.folder / "model.safetensors").read_bytes() == (folder / "model.safetensors").read_bytes()


def make(context):
    (context.output / "model").mkdir()
    (context.output / "model" / "quality").write_text("1.0")
    (context.output / "claims").write_text("1.0")


@pytest.mark.parametrize(
    ("spoil", "says"),
    [
        (lambda folder: shutil.rmtree(folder), "no config.json or no"),
        (lambda folder: (folder / "model.safetensors").unlink(), "no config.json or no"),
        (lambda folder: [path.unlink() for path in folder.glob("tokenizer*")], "has no tokenizer"),
        (lambda folder: (folder / "config.json").write_text("{"), "is no JSON object"),
        (
            lambda folder: rename(folder, ["LlamaForSequenceClassification"]),
            "LlamaForSequenceClassification; exp",
        ),
        (lambda folder: rename(folder, None), "model of no architecture"),
    ],
)
def test_what_is_no_folder_of_a_causal_model_is_refused_with_the_plan(folder, spoil, says):
    spoil(folder)
    with pytest.raises(ConfigError, match=says):
        recipe(folder)


def rename(folder, names):
    path = folder / "config.json"
    path.write_text(json.dumps({**json.loads(path.read_text()), "architectures": names}))


def test_a_recipe_is_given_a_model_or_makes_one(folder, monkeypatch):
    monkeypatch.setattr(pipeline, "ORDER", (toy.FIRST, toy.SECOND))
    with pytest.raises(ConfigError, match="is given a model, and its stage 'first' makes another"):
        recipe(folder, {"first": {}, "second": {}})


def test_what_a_stage_needs_beside_a_model_no_folder_gives(folder):
    with pytest.raises(ConfigError, match=r"'evomerge' needs adaptive_computation, base, .*reasoning"):
        recipe(folder, {"evomerge": {}})


def test_a_cid_that_the_workspace_does_not_hold_is_refused_before_a_run_begins(tmp_path):
    place, elsewhere = Workspace.open(tmp_path / "ws"), Workspace.open(tmp_path / "other")
    cid = elsewhere.store.put_bytes(b"something")
    with pytest.raises(MissingFile):
        forge(place, recipe(cid), engine="inline")
    assert place.catalog.runs() == []
