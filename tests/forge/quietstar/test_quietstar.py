"""The stage on an effect that is really there, and on the same without it."""

import json

import pytest

from bloomery.core.config import build
from bloomery.core.errors import ConfigError
from bloomery.core.evidence import State
from bloomery.core.step import Paused, StepContext
from bloomery.forge.folders import load_model
from bloomery.forge.judging import CLAIMS
from bloomery.forge.quietstar import rows
from bloomery.forge.quietstar.conditions import CONDITIONS
from bloomery.forge.quietstar.examining import Coherence, Thinking
from bloomery.forge.quietstar.measuring import measure_thinking, worth
from bloomery.forge.quietstar.teaching import JUDGED, claim, teach
from bloomery.forge.quietstar.thinking_folder import load_thinking
from bloomery.forge.quietstar.tokens import thought_ids
from bloomery.forge.stage import given
from bloomery.forge.stages.contracts import contract
from bloomery.forge.stages.quietstar import (
    KEPT,
    LATENCY,
    LENGTH,
    OVER,
    STAGE,
    QuietstarStageConfig,
    checks,
    work,
)
from bloomery.tasks.accuracy import Answered, summarize
from bloomery.tasks.chains.chain import Chain, written
from tests.forge.quietstar.planted import FIT, MIXTURE, VALUES, config, forge

REQUIRED = [KEPT, OVER["shuffled"], OVER["filler"], OVER["without"], CLAIMS]
REINFORCE = {
    "fit": {**FIT, "steps": 2, "muon_grokfast": {"lr": 1e-4}, "schedule": {}, "train": {"micro_batch": 4}},
    "thoughts": 2,
    "length": 6,
    "ahead": 3,
}


def context_in(folder, inputs, words, **options):
    for name in ("output", "checkpoint"):
        (folder / name).mkdir(parents=True, exist_ok=True)
    return StepContext(
        output=folder / "output",
        checkpoint=folder / "checkpoint",
        config=words,
        inputs=inputs,
        seed=1,
        **options,
    )


def test_thoughts_that_help_pass_the_gate_with_intervals_that_leave_zero_out(planted):
    assert planted.verdict.passed, planted.verdict.reasons
    for rival in ("shuffled", "filler", "without"):
        found = planted.evidence[OVER[rival]]
        low, high = found.interval
        assert found.state is State.PASSED
        assert 0 < low == found.measured < high
    assert planted.evidence[CLAIMS].measured == 0.0


def test_the_gate_asks_for_what_makes_it_more_than_theater():
    assert [check.name for check in checks(config()) if check.required] == REQUIRED


def nonsense(task, example, strategy, rng):
    """A text as long as the chain, which says nothing about the example."""
    text = written(task, example, strategy, rng).text
    return Chain("".join(rng.choice("0123456789,") for _ in text))


@pytest.mark.slow
def test_thoughts_that_say_nothing_are_theater_and_fail(monkeypatch, tmp_path):
    """The same training on the same examples, whose chains are replaced by unrelated text."""
    monkeypatch.setattr(rows, "written", nonsense)
    forged = forge(tmp_path / "ws", config())
    assert not forged.verdict.passed
    for rival in ("shuffled", "filler", "without"):
        assert forged.evidence[OVER[rival]].state is State.FAILED


def test_the_model_that_is_handed_on_thinks_and_answers_at_once(planted):
    model, tokenizer = load_model(planted.folder("model"))
    assert len(tokenizer) == model.config.vocab_size == 261
    assert thought_ids(tokenizer) == (259, 260)
    claims = json.loads(planted.workspace.store.read(planted.outputs["claims"]))
    assert claims["best"] == "taught"
    assert set(claims["scores"]["taught"]) == set(JUDGED)


def test_the_steps_are_those_whose_work_is_told(planted):
    (run,) = planted.workspace.catalog.runs()
    steps = [step.name for step in planted.workspace.catalog.steps(run.run_id)]
    assert steps[1:] == [f"quietstar.{name}" for name in work(config())]
    assert all(tokens > 0 for tokens in work(config()).values())


def test_accuracy_is_recorded_by_condition_and_some_thoughts_are_shown(planted):
    (run,) = planted.workspace.catalog.runs()
    recorded = {
        (one.name, one.index): one.value
        for one in planted.workspace.catalog.metrics(run.run_id, "quietstar.measure")
    }
    assert {(f"{condition}/accuracy/chained_sums", 12) for condition in CONDITIONS} <= set(recorded)
    length = recorded["thoughts/tokens/chained_sums", 0]
    assert length == planted.evidence[LENGTH].measured
    claims = json.loads(planted.workspace.store.read(planted.outputs["claims"]))
    for prompt, thought in claims["thoughts"]["taught"]["chained_sums"]:
        assert (prompt[-1], prompt.count("+"), thought.count(",")) == ("=", 11, 11)


def test_the_time_to_think_is_told_and_decides_nothing(planted):
    assert planted.evidence[LATENCY].measured > 0
    assert not planted.evidence[LATENCY].required


@pytest.fixture
def consumer(planted, tmp_path):
    def make(**changed):
        inputs = {name: planted.folder(name) for name in ("model", "claims")}
        inputs[given("model")] = planted.workspace.store.path(planted.given)
        few = config(exam={"selection": 32, "test": 32, "seed": 7}, **changed.pop("words", {}))
        return context_in(tmp_path, inputs | changed, few)

    return make


def test_a_claim_that_is_not_found_again_is_seen(consumer, planted, tmp_path):
    claims = json.loads(planted.workspace.store.read(planted.outputs["claims"]))
    claims["scores"]["taught"]["own"]["chained_sums"]["rate"] += 0.25
    (tmp_path / "claims.json").write_text(json.dumps(claims))
    context = consumer(claims=tmp_path / "claims.json")
    measure_thinking(context)
    found = {one.check: one for one in context.journal.evidence}
    assert found[CLAIMS].state is State.FAILED
    assert found[CLAIMS].measured == pytest.approx(0.25, abs=1e-12)


def test_a_model_that_forgot_to_answer_at_once_is_seen(consumer, planted):
    """Beside a given model that is the taught one, and a taught one that was given: what was kept falls."""
    taught = planted.folder("model")
    shares = {}
    for name, model in (("same", taught), ("better", planted.workspace.store.path(planted.given))):
        context = consumer(**{given("model"): model})
        measure_thinking(context)
        shares[name] = next(one for one in context.journal.evidence if one.check == KEPT)
    assert shares["same"].measured == 1.0
    assert shares["better"].measured == pytest.approx(
        shares["same"].baseline / shares["better"].baseline, abs=1e-12
    )


def outcome(own, other):
    """One task's outcomes, of which all rivals are alike."""
    right = {name: (own if name == "own" else other) for name in ("without", "own", "shuffled", "filler")}
    accuracy = {
        name: summarize([Answered(1, 0.5, hit) for hit in hits], "a task") for name, hits in right.items()
    }
    return Thinking(accuracy, right, Coherence(1, 1, 1), 1, ())


def test_a_gain_that_chance_explains_is_not_worth_anything():
    """11 of 20 against 10 of 20, pairs that differ both ways: the interval holds zero."""
    own, other = [True] * 11 + [False] * 9, [True] * 5 + [False] * 10 + [True] * 5
    found = worth({"task": outcome(own, other)}, "shuffled")
    assert found.value < 0 < found.interval[1]
    assert found.baseline == 0.5


def test_all_tasks_pairs_count_together():
    one, other = outcome([True] * 20, [False] * 20), outcome([False] * 20, [True] * 20)
    low, high = worth({"a": one, "b": other}, "filler").interval
    assert low == pytest.approx(-high, abs=1e-12)
    assert worth({"a": one}, "filler").value > 0.5
    assert worth({"b": other}, "filler").value < -0.5


def test_teaching_that_was_stopped_goes_on_to_the_same_weights(planted, tmp_path):
    (run,) = planted.workspace.catalog.runs()
    (ready,) = [
        step.outputs["ready"]
        for step in planted.workspace.catalog.steps(run.run_id)
        if step.name.endswith("tokens")
    ]
    inputs = {"ready": planted.workspace.store.path(ready)}
    fit = config(fit={**FIT, "schedule": {}, "steps": 5, "train": {"micro_batch": 4}})
    words = {"fit": fit.fit.on(fit.mixture), "thoughts": fit.thoughts}
    teach(context_in(tmp_path / "whole", inputs, words))
    asked = iter([False, False, True])
    with pytest.raises(Paused):
        teach(context_in(tmp_path / "parts", inputs, words, stopping=lambda: next(asked, True)))
    teach(context_in(tmp_path / "parts", inputs, words))
    whole, parts = (
        (tmp_path / name / "output" / "taught" / "model.safetensors").read_bytes()
        for name in ("whole", "parts")
    )
    assert whole == parts


def test_a_reinforced_model_is_a_second_candidate_and_the_better_one_is_handed_on(tmp_path):
    """With so little training either may win; the model is the one that the claims call best."""
    little = {"fit": {**FIT, "schedule": {}, "steps": 2, "train": {"micro_batch": 4}}}
    words = config(**little, reinforce=REINFORCE, exam={"selection": 8, "test": 8}, bars={"kept": 0.0})
    forged = forge(tmp_path / "ws", words)
    claims = json.loads(forged.workspace.store.read(forged.outputs["claims"]))
    (run,) = forged.workspace.catalog.runs()
    made = {step.name: dict(step.outputs) for step in forged.workspace.catalog.steps(run.run_id)}
    folders = {
        "taught": made["quietstar.teach"]["taught"],
        "reinforced": made["quietstar.reinforce"]["reinforced"],
    }
    assert set(claims["scores"]) == set(folders)
    assert forged.outputs["model"] == folders[claims["best"]]
    assert "quietstar.reinforce" in made
    assert set(work(words)) == {name.removeprefix("quietstar.") for name in made} - {"grow"}
    thinking, _ = load_thinking(forged.workspace.store.path(folders["reinforced"]))
    assert thinking.start == 259
    assert forged.evidence[CLAIMS].measured == 0.0


def test_the_best_candidate_is_the_one_with_most_right_with_thoughts_and_without(monkeypatch, tmp_path):
    hits = {"taught": ([True, False], [True, True]), "reinforced": ([True, True], [False, False])}

    def found(*_, **__):
        return {name: {"task": outcome(*pair)} for name, pair in hits.items()}

    monkeypatch.setattr("bloomery.forge.quietstar.teaching.examine_folders", found)
    context = context_in(tmp_path, {}, {"mixture": {}, "exam": None, "tokens": 1})
    claim(context)
    claims = json.loads((context.output / "claims.json").read_text())
    assert claims["best"] == "taught"
    assert claims["scores"]["reinforced"]["own"]["task"]["rate"] == 1.0


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"mixture": {"arc-easy": {}}}, "chains of thought are written for"),
        ({"mixture": {"parity": {"weight": 0.0}}}, "with a weight above 0"),
        ({"fit": {**VALUES["fit"], "mixture": {"parity": {}}}}, "names its own mixture"),
        (
            {"reinforce": {**REINFORCE, "fit": {"steps": 3, "mixture": {"parity": {}}}}},
            "names its own mixture",
        ),
        ({"thoughts": {"token": 3}}, "did you mean 'tokens'"),
    ],
)
def test_a_config_that_could_not_work_is_refused(changes, words):
    with pytest.raises(ConfigError, match=words):
        config(**changes)


def test_a_share_of_its_own_is_for_the_teaching_alone():
    leaning = config(share=0.75)
    assert leaning.lessons().share == 0.75
    assert leaning.thoughts == config().thoughts == config().lessons()


def test_what_settles_is_taught_once_more_from_the_taught_model(tmp_path):
    few = {**FIT, "steps": 2, "schedule": {}, "train": {"micro_batch": 4}}
    words = {"fit": few, "settle": {**few, "steps": 3}}
    settled = config(exam={"selection": 8, "test": 8, "seed": 7}, **words)
    forged = forge(tmp_path / "ws", settled)
    (run,) = forged.workspace.catalog.runs()
    steps = {step.name: step for step in forged.workspace.catalog.steps(run.run_id)}
    assert [name for name in steps if name in ("quietstar.teach", "quietstar.settle")] == [
        "quietstar.teach", "quietstar.settle",
    ]  # fmt: skip
    taught, settle = (steps[f"quietstar.{name}"] for name in ("teach", "settle"))
    assert forged.outputs["model"] == settle.outputs["taught"] != taught.outputs["taught"]
    lineage = forged.workspace.catalog.lineage(settle.outputs["taught"])
    assert taught.outputs["taught"] in [one.artifact.cid for one in lineage.parents]
    assert work(settled)["settle"] == 3 * work(settled)["teach"] / 2


def test_a_config_without_a_mixture_waits_for_the_recipes():
    values = {name: value for name, value in VALUES.items() if name != "mixture"}
    assert build(QuietstarStageConfig, values).taught() == []
    assert config().taught() == list(MIXTURE)


def test_the_contract_says_what_the_stage_takes_and_gives():
    told = contract(STAGE)
    assert (set(told["inputs"]), set(told["outputs"])) == ({"model"}, {"model", "claims"})
    assert "thoughts.strategies" in told["config"]
    assert STAGE.data(config()) == "Generated chains of thought for chained_sums"
