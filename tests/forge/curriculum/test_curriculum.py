"""The stage as a whole: what its consumer measures, and that it passes where there is something to learn."""

import json
from dataclasses import replace

import pytest

from bloomery.core.config import build, to_plain
from bloomery.core.errors import ConfigError, UserError
from bloomery.core.evidence import State, gate
from bloomery.core.run import Run
from bloomery.core.workspace import Workspace
from bloomery.forge.curriculum.claiming import claim
from bloomery.forge.curriculum.measuring import clock_taught, measure_taught
from bloomery.forge.curriculum.proposing import Generators
from bloomery.forge.curriculum.settings import PrincipleConfig, SelfModelConfig
from bloomery.forge.curriculum.tutoring import climb, find_ladder
from bloomery.forge.folders import save_model
from bloomery.forge.judging import CLAIMS
from bloomery.forge.settings import FitConfig
from bloomery.forge.stage import StageRun, given
from bloomery.forge.stages.curriculum import (
    FORGOTTEN,
    KEPT,
    OVER_UNIFORM,
    RESIDUAL,
    RUNGS,
    STAGE,
    TEMPERATURE,
    ClimbConfig,
    CurriculumBarsConfig,
    CurriculumStageConfig,
    PrinciplesConfig,
    checks,
    work,
)
from bloomery.tasks.task import Example
from tests.forge.curriculum.pupils import TOKENIZER, config, context_in, fitting, pupil
from tests.forge.small_folders import llama


def plain(words):
    """Without what comes beside and after the climb."""
    return replace(
        words, uniform=False, self_model=SelfModelConfig(), principles=PrinciplesConfig(prompts={})
    )


def taught(folder, start, words, proposer):
    """The stage's steps around a climb with this proposer: what its consumer is given."""
    find_ladder(context_in(folder / "assess", {"edited": start}, words))
    ladder = folder / "assess/output/ladder.json"
    climb(context_in(folder / "climb", {"edited": start, "ladder": ladder}, words), proposer=proposer)
    output = folder / "climb/output"
    seen = {"model": output / "model", "ladder": ladder}
    claim(context_in(folder / "claim", seen | {"climb": output / "log.json"}, words))
    return seen | {"claims": folder / "claim/output/claims.json", given("model"): start}


def measured(folder, inputs, words):
    context = context_in(folder, inputs, words)
    measure_taught(context)
    return {item.check: item for item in context.journal.evidence}


@pytest.fixture(scope="module")
def small(tmp_path_factory):
    """What a consumer is given after a climb of a few steps."""
    folder = tmp_path_factory.mktemp("small")
    save_model(pupil(30), TOKENIZER, folder / "start")
    return taught(folder, folder / "start", plain(config()), Generators())


def test_a_model_measured_against_itself_gains_no_rung_and_keeps_all(small, tmp_path):
    found = measured(tmp_path, small | {given("model"): small["model"]}, plain(config()))
    assert found[RUNGS].measured == 0
    assert found[KEPT].measured == 1.0


def test_what_was_claimed_is_measured_again_to_the_bit_and_a_lie_fails(small, tmp_path):
    words = plain(config())
    assert measured(tmp_path / "honest", small, words)[CLAIMS].measured == 0.0
    claims = json.loads(small["claims"].read_text())
    claims["rungs"][-1] += 0.25
    (tmp_path / "claims.json").write_text(json.dumps(claims))
    found = measured(tmp_path / "lie", small | {"claims": tmp_path / "claims.json"}, words)
    assert found[CLAIMS].state == State.FAILED
    assert found[CLAIMS].measured == pytest.approx(0.25)


def test_every_check_is_answered_by_measure_or_clock(small, tmp_path):
    words = plain(config())
    found = measured(tmp_path / "measure", small, words)
    context = context_in(tmp_path / "clock", small, words)
    clock_taught(context)
    assert {check.name for check in checks(words)} == set(found) | {
        one.check for one in context.journal.evidence
    }


def test_checks_of_what_is_left_out_are_left_out():
    names = {check.name for check in checks(config())}
    assert names - {check.name for check in checks(plain(config()))} >= {TEMPERATURE, RESIDUAL}
    assert FORGOTTEN in {check.name for check in checks(plain(config()))}


@pytest.mark.slow
def test_all_its_steps_run_are_remembered_and_counted(tmp_path):
    """Every part at once, a few optimizer steps each, on a model that knows little."""
    save_model(pupil(20), TOKENIZER, tmp_path / "start")
    place, words = Workspace.open(tmp_path / "place"), config(unrehearsed=True)
    start = place.store.put(tmp_path / "start")
    with Run.start(place, recipe="curriculum", config={}, seed=1, engine="inline") as run:
        at = StageRun(run=run, stage="curriculum", config=words, inputs={"model": start})
        first, again = dict(STAGE.forge(at)), dict(STAGE.forge(at))
        seen = first | {given("model"): start}
        found = run.step("curriculum.measure", STAGE.measure, config=words, inputs=seen).evidence
    assert first == again
    assert set(first) == {port.name for port in STAGE.outputs}
    made = [step.name.partition(".")[2] for step in place.catalog.steps(run.id)]
    assert list(dict.fromkeys(made)) == [name for name in work(words) if name != "clock"]
    by_name = {item.check: item for item in found}
    assert by_name[TEMPERATURE].chance == pytest.approx(1 / 3)
    assert by_name[RESIDUAL].measured > 0
    assert "introspecting.introspect, as it logged it" in by_name[TEMPERATURE].how
    assert "tutoring.train_evenly, as it logged it" in by_name[OVER_UNIFORM].how
    assert by_name[FORGOTTEN].baseline is not None
    assert {check.name for check in checks(words)} - set(by_name) == {"latency"}


def test_what_was_forgotten_is_measured_on_the_shipped_folder_and_not_read_from_the_log(small, tmp_path):
    """A log that says nothing was forgotten, and a shipped model that never learned anything."""
    claims = json.loads(small["claims"].read_text())
    claims["logs"]["climb"] |= {"matrix": {"0": [1.0] * 4, "1": [1.0] * 4}, "forgotten": 0.0}
    (tmp_path / "claims.json").write_text(json.dumps(claims))
    save_model(pupil(1), TOKENIZER, tmp_path / "worse")
    words = plain(config())
    lost = {"claims": tmp_path / "claims.json", "model": tmp_path / "worse"}
    found = measured(tmp_path / "measure", small | lost, words)[FORGOTTEN]
    assert found.measured > 0.7
    assert found.state == State.FAILED
    assert found.how.endswith("measuring.measure_taught")


def test_what_is_left_of_a_prompt_is_measured_on_the_shipped_folder(small, tmp_path):
    """The model before the bakes is its own residual: 1. A log cannot say otherwise."""
    words = replace(plain(config()), principles=config().principles)
    claims = json.loads(small["claims"].read_text())
    claims["logs"]["principles"] = {"brief": {"ratio": 0.0}}
    (tmp_path / "claims.json").write_text(json.dumps(claims))
    same = {"claims": tmp_path / "claims.json", "unbaked": small["model"]}
    found = measured(tmp_path / "measure", small | same, words)[RESIDUAL]
    assert found.measured == pytest.approx(1.0)
    assert found.how.endswith("measuring.measure_taught")


@pytest.fixture(scope="module")
def learnable(tmp_path_factory):
    """A model that counts rows of 7 and 8 bits, and a ladder up to 12, which it can learn from there."""
    folder = tmp_path_factory.mktemp("learnable")
    save_model(pupil(90), TOKENIZER, folder / "start")
    words = plain(
        config(
            fit=fitting(110, muon_grokfast={"lr": 4e-3}),
            climb=ClimbConfig(rungs=4, hardest={"chained_sums": 12}, pool=128, probes=4),
            bars=CurriculumBarsConfig(rungs=1, kept=0.9),
            examined=24,
        )
    )
    return folder / "start", words


class Ones(Generators):
    """Writes right problems from which nothing is learned about others: the answer is always 1."""

    name = "ones"

    def propose(self, task, difficulty, count, rng):
        rows = [
            "+".join("1" if here == at else "0" for here in range(difficulty)) for at in range(difficulty)
        ]
        return [Example(f"{rng.choice(rows)}=", "1", difficulty) for _ in range(count)]


@pytest.mark.slow
@pytest.mark.parametrize(("proposer", "passes"), [(Generators(), True), (Ones(), False)])
def test_the_gate_opens_where_the_problems_teach_and_stays_shut_where_they_do_not(
    learnable, tmp_path, proposer, passes
):
    start, words = learnable
    found = measured(tmp_path / "measure", taught(tmp_path, start, words, proposer), words)
    verdict = gate(list(found.values()), checks(words))
    assert verdict.passed is passes
    assert (found[RUNGS].state == State.PASSED) is passes


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"bars": {"accuracy": {"parity": 0.5}}}, "bars.accuracy names parity"),
        ({"climb": {"hardest": {"parity": 9}}}, "climb.hardest names parity"),
    ],
)
def test_a_task_that_the_mixture_does_not_hold_is_refused(changes, message):
    with pytest.raises(ConfigError, match=message):
        build(CurriculumStageConfig, {**to_plain(config()), **changes})


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"climb": {"temperature": 0}}, "temperature"),
        ({"climb": {"dream_temperature": 0}}, "dream_temperature"),
        ({"self_model": {"temperatures": [1.0]}}, "two to ten temperatures above 0"),
        ({"self_model": {"temperatures": [0.0, 1.0]}}, "two to ten temperatures above 0"),
        ({"self_model": {"temperatures": list(range(1, 12))}}, "two to ten temperatures above 0"),
        ({"self_model": {"temperatures": [1, 2, 3], "written": 2}}, "written is 2, and there are 3"),
        (
            {"self_model": {"steps": 10}, "fit": {"steps": 20, "schedule": {"warmup_steps": 10}}},
            r"self_model.steps is 10 and fit.schedule.warmup_steps, which it shares, 10",
        ),
        ({"fit": {"steps": 4, "mixture": {"parity": {}}}}, "names its own mixture"),
        ({"principles": {"fit": {"steps": 4, "mixture": {"parity": {}}}}}, "names its own mixture"),
    ],
)
def test_what_no_step_could_do_is_refused_before_the_first(changes, message):
    with pytest.raises(ConfigError, match=message):
        build(CurriculumStageConfig, {**to_plain(config()), **changes})


def test_a_prompt_longer_than_the_models_window_is_refused_before_the_climb(tmp_path):
    long = PrincipleConfig(prompt="Be brief. " * 40, questions=("a",), probes=("b",))
    words = config(principles=replace(config().principles, prompts={"long": long}))
    context = context_in(tmp_path / "assess", {"edited": llama(tmp_path / "llama")}, words)
    with pytest.raises(UserError, match="the model's window is 64: shorten the prompt"):
        find_ladder(context)


def test_a_climb_counted_in_epochs_is_refused():
    with pytest.raises(ConfigError, match=r"no epochs: give fit\.steps"):
        config(fit=FitConfig(epochs=1))
