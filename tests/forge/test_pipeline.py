"""The pipeline's promises, on stages that work on a number in a file."""

import json
from dataclasses import replace

import pytest

from bloomery.core.errors import ConfigError, Failure, GateFailed, UnknownName, UserError
from bloomery.core.workspace import Workspace
from bloomery.forge import pipeline
from bloomery.forge.pipeline import plan
from bloomery.forge.stage import given
from tests.forge import toy
from tests.forge.toy import toy_plan


@pytest.fixture
def cards(monkeypatch):
    """The cards of what was shipped; the stages are toys, and what is shipped is the model itself."""
    seen = []
    monkeypatch.setattr(pipeline, "ORDER", (toy.FIRST, toy.SECOND))
    monkeypatch.setattr(pipeline, "ship", lambda run, model, card: seen.append(card) or model)
    monkeypatch.setattr(pipeline, "render_html", lambda data, charts: data["run"]["status"])  # plots are slow
    return seen


@pytest.fixture
def place(tmp_path, cards):
    return Workspace.open(tmp_path / "ws")


def quality(forged):
    return (forged.folder / "quality").read_text()


def report_of(place):
    (folder,) = place.runs.iterdir()
    assert (folder / "report.html").read_text()
    return json.loads((folder / "report.json").read_text())


def statuses(place, run_id):
    return {step.name: step.status for step in place.catalog.steps(run_id)}


def test_an_unknown_stage_is_answered_with_the_nearest(cards):
    with pytest.raises(UnknownName, match="unknown stage 'secnd'; did you mean 'second'"):
        toy_plan(first={}, secnd={})


def test_a_recipe_without_stages_names_those_there_are(cards):
    with pytest.raises(ConfigError, match="no stage; known: first, second"):
        toy_plan()


def test_a_stage_whose_input_nobody_gives_is_refused_before_anything_runs(cards):
    with pytest.raises(ConfigError, match="'second' needs model"):
        toy_plan(second={})


def test_a_consumer_sees_the_outputs_and_what_the_stage_was_given(place, monkeypatch):
    seen = {}

    def look(context):
        seen.update(
            {name: (path / "quality").read_text() for name, path in context.inputs.items() if path.is_dir()}
        )
        toy.look(context)

    second = replace(toy.SECOND, measure=look)
    monkeypatch.setattr(pipeline, "ORDER", (toy.FIRST, second))
    pipeline.forge(place, toy_plan(first={"quality": 0.75}, second={"quality": 1.0}), engine="inline")
    assert seen == {"model": "1.0", given("model"): "0.75"}


def test_a_wrong_key_of_a_stage_is_named_with_its_place(cards):
    with pytest.raises(UserError, match=r"stages\.second\.qualty"):
        toy_plan(first={}, second={"qualty": 1})


def test_stages_run_in_the_forges_order_whatever_the_recipes(place):
    forged = pipeline.forge(place, toy_plan(second={"quality": 2}, first={"quality": 1}))
    assert quality(forged) == "2.0"
    assert (forged.folder / "ancestors").read_text() == "1.0"


def test_what_passes_its_gate_replaces_what_was_there(place):
    forged = pipeline.forge(place, toy_plan(first={"quality": 1}, second={"quality": 2}))
    assert quality(forged) == "2.0"
    assert forged.rolled_back == {}
    assert set(statuses(place, forged.run_id).values()) == {"done"}


def test_what_fails_its_gate_is_rolled_back_to_its_input_and_the_report_says_so(place):
    forged = pipeline.forge(place, toy_plan(first={"quality": 1}, second={"quality": 0.25}))
    assert quality(forged) == "1.0"
    (objection,) = forged.rolled_back["second"]
    assert "quality" in objection
    assert "0.25" in objection
    assert forged.artifacts["model"] == forged.model
    report = report_of(place)
    assert report["run"]["status"] == "done"
    (step,) = [one for one in report["steps"] if one["status"] == "rolled_back"]
    assert step["name"] == "second.measure"
    assert step["note"] == objection
    assert [one["check"] for one in report["summary"]["unmet"]] == ["quality"]


def test_a_first_stage_that_fails_its_gate_ends_the_run_with_a_report(place):
    with pytest.raises(
        GateFailed, match="'first' did not pass its gate and there is no earlier model"
    ) as told:
        pipeline.forge(place, toy_plan(first={"quality": 0.25}, second={}))
    assert told.value.exit_code == 1
    report = report_of(place)
    assert report["run"]["status"] == "failed"
    assert {step["name"]: step["status"] for step in report["steps"]} == {
        "first.make": "done",
        "first.measure": "rolled_back",
        "first.clock": "done",
    }


def test_a_gate_that_failed_is_not_opened_by_a_second_run(place):
    failing = toy_plan(first={"quality": 0.25})
    for _ in range(2):
        with pytest.raises(GateFailed, match=r"0\.25"):
            pipeline.forge(place, failing)
    assert len(place.catalog.runs()) == 1


def test_a_remembered_stage_that_was_rolled_back_is_rolled_back_in_a_new_run(place):
    wanted = toy_plan(first={}, second={"quality": 0.25})
    first, second = pipeline.forge(place, wanted), pipeline.forge(place, wanted)
    assert first.run_id != second.run_id
    assert second.rolled_back == first.rolled_back
    assert second.model == first.model
    assert statuses(place, second.run_id)["second.measure"] == "rolled_back"


def test_what_could_not_be_measured_never_opens_a_gate(place):
    forged = pipeline.forge(place, toy_plan(first={"quality": 1}, second={"quality": 2, "capable": False}))
    assert quality(forged) == "1.0"
    assert "no scales on this machine" in forged.rolled_back["second"][0]


def test_what_was_never_looked_at_never_opens_a_gate(place, monkeypatch):
    """A required check of which the consumer says nothing."""
    blind = toy.stage("second", takes=("model",))
    object.__setattr__(blind, "measure", toy.clock)
    monkeypatch.setattr(pipeline, "ORDER", (toy.FIRST, blind))
    forged = pipeline.forge(place, toy_plan(first={"quality": 1}, second={"quality": 2}))
    assert quality(forged) == "1.0"
    assert len(forged.rolled_back["second"]) == 2


def test_the_consumer_believes_its_own_measurement_and_not_the_claim(place):
    forged = pipeline.forge(place, toy_plan(first={"quality": 1}, second={"quality": 2, "claimed": 9}))
    assert quality(forged) == "1.0"
    assert "claims" in forged.rolled_back["second"][0]


def test_what_is_only_reported_decides_nothing_but_is_in_the_report(place):
    forged = pipeline.forge(place, toy_plan(first={}))
    assert forged.rolled_back == {}
    (clock,) = [step for step in report_of(place)["steps"] if step["name"] == "first.clock"]
    assert [(one["check"], one["state"]) for one in clock["evidence"]] == [("seconds", "failed")]


def test_a_stage_that_does_not_give_what_it_declares_is_a_failure_of_ours(place, monkeypatch):
    careless = toy.stage("first", how=toy.forge_without_claims)
    monkeypatch.setattr(pipeline, "ORDER", (careless,))
    with pytest.raises(Failure, match="'first' did not give claims"):
        pipeline.forge(place, toy_plan(first={}))
    assert report_of(place)["run"]["status"] == "failed"


def test_the_card_holds_what_decided_and_nothing_of_the_clock(place, cards):
    pipeline.forge(place, toy_plan(first={}, second={}))
    (card,) = cards
    assert {row["check"] for row in card["evidence"]} == {"quality", "claims"}
    assert card["data"] == "first's data; second's data"
    assert card["sources"] == "nobody"


def test_a_second_run_computes_nothing_and_gives_the_same(place):
    wanted = toy_plan(first={}, second={"quality": 2})
    first, second = pipeline.forge(place, wanted), pipeline.forge(place, wanted)
    assert second.model == first.model
    assert set(statuses(place, second.run_id).values()) == {"memoized"}


def test_a_run_knows_the_plan_that_it_began_with(place):
    wanted = toy_plan(seed=5, first={"quality": 3}, second={})
    forged = pipeline.forge(place, wanted)
    assert pipeline.plan_of_run(place, forged.run_id) == wanted
    assert pipeline.resume(place, forged.run_id).model == forged.model


def test_a_plan_until_a_stage_gives_the_model_as_it_was_after_it(place):
    wanted = toy_plan(first={"quality": 1}, second={"quality": 2})
    whole = pipeline.forge(place, wanted)
    back = pipeline.forge(place, wanted.until("first"))
    assert quality(back) == "1.0"
    assert quality(whole) == "2.0"  # the run that was gone back in stays
    assert statuses(place, back.run_id)["first.make"] == "memoized"
    with pytest.raises(UnknownName, match="unknown stage of this recipe 'secnd'; did you mean 'second'"):
        wanted.until("secnd")


def test_the_time_left_knows_every_step_and_the_shipping(cards):
    assert list(toy_plan(first={}, second={}).work()) == [
        *("first.make", "first.measure", "first.clock"),
        *("second.make", "second.measure", "second.clock", "ship"),
    ]


@pytest.mark.parametrize(
    ("change", "says"),
    [
        (
            "stages.evomerge.exam.selection=200",
            r"stages.evomerge.exam is set; the recipe's root names the exam",
        ),
        ("stages.compression.mixture.sorting.difficulties=[3, 4]", "stages.compression.mixture is set"),
        ("stages.bitnet.fit.mixture.sorting.weight=1", "names its own mixture"),
        ("mixture={}", "names no mixture of tasks, which stage 'cognate' needs"),
    ],
)
def test_examples_that_chose_in_one_stage_cannot_measure_in_another(change, says):
    with pytest.raises(ConfigError, match=says):
        plan("forge/quickstart", [change])


def test_an_exam_that_the_tasks_cannot_fill_is_refused_before_a_run_begins(tmp_path):
    place, changed = Workspace.open(tmp_path / "ws"), "mixture.sorting={difficulties: [2]}"
    with pytest.raises(ConfigError, match=r"task 'sorting' has only .* test prompts at difficulty 2, not"):
        pipeline.forge(place, plan("forge/quickstart", [changed]))
    assert not list(place.runs.iterdir())


@pytest.mark.parametrize(
    ("changes", "told"),
    [
        (["mixture.sorting.at_once=false"], "sorting: judged after thoughts alone.* nothing thinks of"),
        (
            ["thoughts=null", "stages={cognate: {preset: cognate-tiny}}"],
            "parity: judged after",
        ),
        (
            ["mixture={parity: {at_once: false}}", "stages.cognate.bars.accuracy={}"],
            "judges all its tasks .parity. after thoughts alone",
        ),
        (["stages.bitnet.bars.accuracy={parity: 0.5}"], "bars.accuracy names parity"),
    ],
)
def test_every_task_is_judged_somewhere_and_one_at_once(changes, told):
    with pytest.raises(ConfigError, match=told):
        plan("forge/quickstart", changes)


def test_the_recipes_thoughts_reach_every_stage_that_trains_with_them():
    found = plan("forge/quickstart", ["thoughts={strategies: {sketch: 1}, tokens: 9}"])
    assert {config.thoughts.tokens for _, config in found.stages} == {9}
    unthinking = plan("forge/quickstart", ["thoughts=null"]).stages
    assert {stage.name for stage, config in unthinking if config.thoughts} == {"quietstar"}  # its own
