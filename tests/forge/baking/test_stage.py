"""The stage: it keeps a bake that makes the model better, and fails where the prompt changes nothing."""

import json
import math
from dataclasses import dataclass

import pytest

from bloomery.core.config import Recipe, to_plain
from bloomery.core.errors import ConfigError
from bloomery.core.evidence import State, gate
from bloomery.core.step import Paused
from bloomery.core.workspace import Workspace
from bloomery.forge import pipeline
from bloomery.forge.baking.forging import ROUNDS, bake_in_cycles, claim, teach
from bloomery.forge.baking.measuring import measure_baked
from bloomery.forge.baking.scoring import prompted_accuracy
from bloomery.forge.exams import exams
from bloomery.forge.folders import load_model
from bloomery.forge.judging import THOUGHTS
from bloomery.forge.stage import Port, Stage, given
from bloomery.forge.stages.baking import (
    BAKED,
    DRIFT,
    EFFECT,
    ENDED,
    KEPT,
    MONOTONE,
    RESIDUAL,
    STAGE,
    TOOLS,
    TURNS,
    checks,
)
from tests.forge.baking.able import TOOLED, finder, finder_with_tools, folder_of
from tests.forge.baking.promptable import IDLE, LOUD, context_in, steps
from tests.forge.baking.staged import config, plain
from tests.forge.small_folders import files_of


def made(folder, model_folder, words, **options):
    """What the stage's steps leave, and the context of its consumer."""
    context = context_in(folder / "cycles", config=words, inputs={"edited": model_folder}, **options)
    bake_in_cycles(context)
    outputs = {name: context.output / name for name in ("model", "latent", "bakes")}
    claiming = context_in(folder / "claim", config=words, inputs={"model": outputs["model"]})
    claim(claiming)
    inputs = outputs | {"claims": claiming.output / "claims.json", given("model"): model_folder}
    return context_in(folder / "measure", config=words, inputs=inputs)


def measured(consumer):
    measure_baked(consumer)
    return {one.check: one for one in consumer.journal.evidence}


def verdict(consumer):
    return gate(consumer.journal.evidence, checks(consumer.config))


def rounds(consumer):
    return json.loads((consumer.inputs["bakes"] / ROUNDS).read_text())["rounds"]


@pytest.fixture(scope="module")
def base(tmp_path_factory):
    return folder_of(finder(), tmp_path_factory.mktemp("given") / "model")


@pytest.fixture(scope="module")
def baked(base, tmp_path_factory):
    return made(tmp_path_factory.mktemp("baked"), base, config())


@pytest.fixture(scope="module")
def found(baked):
    return measured(baked)


def test_the_prompt_that_helps_is_baked_and_the_gate_opens(baked, found):
    assert [one["baked"] for one in rounds(baked)] == ["loud", None]
    assert found[BAKED].measured == 1
    assert found[RESIDUAL].state == State.PASSED
    assert found[EFFECT].measured > 0.5
    assert found[ENDED].measured == 1.0
    assert verdict(baked).passed


def test_the_shipped_model_does_without_the_prompt_what_the_given_one_did_with_it(baked, base):
    tested = exams(baked.config.mixture, baked.config.exam, "test")
    (before, tokenizer), (after, _) = load_model(base), load_model(baked.inputs["model"])
    with_prompt = prompted_accuracy(before, tokenizer, tested, LOUD)
    assert with_prompt > 0.9
    assert prompted_accuracy(before, tokenizer, tested) < 0.75
    assert prompted_accuracy(after, tokenizer, tested) >= 0.95 * with_prompt


def test_what_is_reported_beside_is_measured(found):
    assert found[DRIFT].measured < 0.02  # half of the controls are anchors
    assert found[MONOTONE].state == State.PASSED
    assert 0 < found[TURNS].measured < 1.5  # nobody taught the model turns
    assert found[KEPT].measured > 1.2


def test_prompts_that_change_nothing_are_not_baked_and_the_gate_stays_shut(base, tmp_path):
    idle = config(cycles={"rounds": 1, "personas": 0, "given": {"idle": IDLE}})
    consumer = made(tmp_path, base, idle)
    found = measured(consumer)
    assert found[BAKED].measured == 0
    assert math.isnan(found[RESIDUAL].measured)
    assert not verdict(consumer).passed
    for check in (MONOTONE, DRIFT, TURNS):
        assert (found[check].state, found[check].reason) == (State.NOT_RUN, "nothing was baked")
    weights = [files_of(path)["model.safetensors"] for path in (base, consumer.inputs["model"])]
    assert weights[0] == weights[1]


def test_every_check_but_the_clocks_is_answered_once(baked, found):
    asked = [check.name for check in checks(baked.config)]
    assert sorted([*found, "latency"]) == sorted(asked)


def test_a_claim_that_is_not_what_is_measured_shuts_the_gate(baked, tmp_path):
    claims = json.loads(baked.inputs["claims"].read_text())
    claims["scores"]["needle"]["rate"] += 0.25
    (tmp_path / "claims.json").write_text(json.dumps(claims))
    inputs = {**baked.inputs, "claims": tmp_path / "claims.json"}
    assert measured(context_in(tmp_path, config=baked.config, inputs=inputs))[
        "claims measured again"
    ].state == (State.FAILED)


def test_a_stopped_stage_goes_on_to_the_same_bytes(baked, base, tmp_path):
    asked = iter([False] * 20 + [True])
    words = {"config": config(), "inputs": {"edited": base}}
    with pytest.raises(Paused):
        bake_in_cycles(context_in(tmp_path, stopping=lambda: next(asked), **words))
    bake_in_cycles(context_in(tmp_path, **words))
    for name in ("model", "latent", "bakes"):
        assert files_of(tmp_path / "output" / name) == files_of(baked.inputs[name])


@pytest.mark.slow
def test_tool_prompts_are_judged_by_execution_and_the_best_is_baked(tmp_path):
    base = folder_of(finder_with_tools(), tmp_path / "given")
    words = config(
        tools={"tasks": {"lookups": [1]}, "prompts": {"idle": IDLE, "tools": TOOLED}, "max_new_tokens": 8},
        fit={**to_plain(steps(80)), "seq_len": 64},
    )
    consumer = made(tmp_path, base, words)
    found = measured(consumer)
    assert {one["cycle"]: one["baked"] for one in rounds(consumer)[:2]} == {
        "tools": "tools",
        "personas": "loud",
    }
    assert found[TOOLS].baseline == 0.0
    assert found[TOOLS].measured > 0.5
    assert verdict(consumer).passed


@pytest.mark.slow
def test_prompts_without_a_meaning_are_taught_one_and_then_baked(base, tmp_path):
    tools = {"tasks": {"lookups": [1]}, "prompts": {"one": "T:", "two": "W:"}, "max_new_tokens": 8}
    words = config(
        tools=tools,
        teach={**to_plain(steps(550, lr=5e-3, micro_batch=32)), "seq_len": 64},
        cycles={"rounds": 1, "personas": 0},
        fit={**to_plain(steps(80)), "seq_len": 64},
    )
    context = context_in(tmp_path / "teach", config=words, inputs={"edited": base})
    teach(context)
    consumer = made(tmp_path, context.output / "latent", words)
    found = measured(consumer)
    assert found[TOOLS].baseline < 0.2
    assert found[TOOLS].measured > 0.5
    assert found[RESIDUAL].state == State.PASSED


def test_a_stage_without_candidates_is_refused(base, tmp_path):
    with pytest.raises(ConfigError, match="nothing to bake"):
        made(tmp_path, base, config(cycles={"personas": 0}))


def give(context):
    folder_of(finder(), context.output / "model")


@dataclass(frozen=True, kw_only=True)
class GiverConfig:
    """The stage before it, which gives the model."""


GIVER = Stage(
    name="giver", summary="a model", source="nobody", config=GiverConfig, inputs=(),
    outputs=(Port(name="model", meaning="a model"),), metrics=(), checks=lambda config: (),
    forge=lambda at: at.step("give", give).outputs, measure=lambda context: None, clock=lambda context: None,
    work=lambda config: {"give": 1}, data=lambda config: "", estimate=lambda config, recipe: [],
)  # fmt: skip


def test_a_forge_keeps_what_the_stage_gives_and_remembers_it(tmp_path, monkeypatch):
    monkeypatch.setattr(pipeline, "ORDER", (GIVER, STAGE))
    own = plain()
    root = {name: own.pop(name) for name in ("mixture", "exam")}
    values = {"seed": 3, **root, "stages": {"giver": {}, "baking": own}}
    place, plan = Workspace.open(tmp_path), pipeline.plan_of("small", Recipe(values=values, origin={}))
    forged = pipeline.forge(place, plan, engine="inline")
    assert forged.rolled_back == {}
    run = place.catalog.runs()[0].run_id
    made_steps = [step for step in place.catalog.steps(run) if step.name.startswith("baking")]
    assert [step.name for step in made_steps] == [f"baking.{name}" for name in STAGE.work(config())]
    recorded = {row.name for step in made_steps for row in place.catalog.metrics(run, step.name)}
    for metric in set(STAGE.metrics) - {THOUGHTS}:  # this recipe names none
        head, tail = metric.name.partition("<")[0], metric.name.rpartition(">")[2]
        assert [name for name in recorded if name.startswith(head) and name.endswith(tail)], metric.name
