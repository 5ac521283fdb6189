"""The whole stage on planted kinds of tasks: it passes there, and fails where the kinds are one."""

import json

import pytest
import torch
from safetensors.torch import load_file

from bloomery.core.config import build, to_plain
from bloomery.core.errors import UserError
from bloomery.core.evidence import State, gate
from bloomery.core.run import Run
from bloomery.core.step import StepContext
from bloomery.core.workspace import Workspace
from bloomery.forge.evolving.nsga import best_front, from_plain
from bloomery.forge.experts.folder import check_without_experts, load_with_experts
from bloomery.forge.experts.measuring import clock_experts, measure_experts
from bloomery.forge.experts.searching import search_designs
from bloomery.forge.experts.settings import DesignSearchConfig, FindConfig, TeachConfig
from bloomery.forge.folders import load_model
from bloomery.forge.judging import CLAIMS
from bloomery.forge.settings import ExamConfig
from bloomery.forge.stage import StageRun, given
from bloomery.forge.stages.experts import (
    DISPATCH,
    IDENTITY,
    OVER_NONE,
    OVER_UNIFORM,
    STAGE,
    TO_ORACLE,
    ExpertsBarsConfig,
    ExpertsStageConfig,
    checks,
    work,
)
from tests.forge.experts.planted import MIXTURE, First, Last, register

CONFIG = ExpertsStageConfig(
    mixture=MIXTURE,
    exam=ExamConfig(selection=48, test=64),
    find=FindConfig(fewest=2, most=3, probe_steps=10),
    teach=TeachConfig(steps=30, lr=4e-2),
    search=DesignSearchConfig(generations=1, population=4, examples=24),
    bars=ExpertsBarsConfig(over_none=0.2, over_uniform=0.2, dispatch=0.9),
)
QUICK = build(
    ExpertsStageConfig,
    {
        **to_plain(CONFIG),
        "random_search": False,
        "search": {"generations": 0, "examples": 16},
        "teach": {"objective": "supervised", "steps": 20, "lr": 5e-2},
    },
)


def forged(root, torn, config):
    """A workspace in which the stage ran, and the context of its consumer."""
    place = Workspace.open(root)
    with Run.start(place, recipe="planted", config=to_plain(config), seed=1, engine="inline") as run:
        cid = place.store.put(torn)
        made = STAGE.forge(StageRun(run=run, stage="experts", config=config, inputs={"model": cid}))
        steps = [step.name for step in place.catalog.steps(run.id)]
    inputs = {name: place.store.path(one) for name, one in made.items()}
    inputs[given("model")] = place.store.path(cid)
    for name in ("output", "checkpoint"):
        (root / name).mkdir()
    return steps, StepContext(
        output=root / "output", checkpoint=root / "checkpoint", config=config, seed=1, inputs=inputs
    )


@pytest.fixture(scope="module")
def consumer(torn, tmp_path_factory):
    with pytest.MonkeyPatch.context() as patch:
        register(patch, First, Last)
        steps, context = forged(tmp_path_factory.mktemp("planted"), torn, CONFIG)
        measure_experts(context)
        clock_experts(context)
        yield steps, context


def evidence(context):
    return {item.check: item for item in context.journal.evidence}


def test_it_passes_where_two_kinds_need_opposed_experts(consumer):
    _, context = consumer
    found = evidence(context)
    assert gate(context.journal.evidence, checks(CONFIG)).passed
    assert found[OVER_NONE].measured > 0.2
    assert found[OVER_UNIFORM].measured > 0.2
    assert found[DISPATCH].measured > 0.9 > found[DISPATCH].chance == 0.5
    assert found[TO_ORACLE].measured > 0.9
    assert found[IDENTITY].measured == found[CLAIMS].measured == 0.0


def test_it_fails_where_both_kinds_ask_for_the_same(torn, tmp_path, removed):
    """Experts help there too, and all of them alike help as much: dispatching is for nothing."""
    _, context = forged(tmp_path, torn, QUICK)
    measure_experts(context)
    found = evidence(context)
    assert found[OVER_UNIFORM].measured < 0.1
    assert found[OVER_UNIFORM].state == State.FAILED
    verdict = gate(context.journal.evidence, checks(QUICK))
    assert not verdict.passed
    assert any(OVER_UNIFORM in reason for reason in verdict.reasons)


def test_experts_that_gain_nothing_shut_the_gate_also_by_the_default_bars():
    (none,) = (check for check in checks(ExpertsStageConfig(mixture=MIXTURE)) if check.name == OVER_NONE)
    assert (none.required, none.bar.holds(0.0), none.bar.holds(0.001)) == (True, False, True)


def test_every_check_is_answered_and_the_clock_decides_nothing(consumer):
    _, context = consumer
    asked = checks(CONFIG)
    assert sorted(evidence(context)) == sorted(check.name for check in asked)
    assert not [check.name for check in asked if check.required and check.name.startswith("latency")]


def test_the_time_left_counts_every_step(consumer):
    steps, _ = consumer
    assert [f"experts.{name}" for name in work(CONFIG)][: len(steps)] == steps
    assert list(work(CONFIG))[len(steps) :] == ["measure", "clock"]
    assert "random" not in work(QUICK)


def test_what_is_shipped_is_the_given_model_and_one_small_file(consumer):
    _, context = consumer
    before, after = context.inputs[given("model")], context.inputs["model"]
    assert {path.name for path in after.iterdir()} - {path.name for path in before.iterdir()} == {
        "experts.safetensors"
    }
    weights = [load_file(folder / "model.safetensors") for folder in (before, after)]
    assert all(torch.equal(weights[0][name], weights[1][name]) for name in weights[0])
    size = (after / "experts.safetensors").stat().st_size
    assert size < 0.1 * (before / "model.safetensors").stat().st_size


def test_the_shipped_folder_loads_with_experts_that_can_be_switched(consumer, torn):
    _, context = consumer
    model, tokenizer, experts = load_with_experts(context.inputs["model"])
    plain, _ = load_model(torn)
    ids = torch.tensor([tokenizer.encode("a1234=")])

    def answer(which):
        with torch.no_grad(), experts.using(which):
            return tokenizer.decode(int(model(ids).logits[0, -1].argmax()))

    with torch.no_grad(), experts.using(None):
        assert torch.equal(model(ids).logits, plain(ids).logits)
    by_kind = {name.partition("-")[2]: answer(name) for name in experts.names}
    assert by_kind == {"first": "1", "last": "4"}
    assert experts.names[int(experts.choose(ids).argmax())].endswith("first")


def test_the_table_of_designs_holds_the_front_and_the_knee(consumer):
    _, context = consumer
    table = json.loads(context.inputs["designs"].read_text())
    found = from_plain(table["individuals"])
    assert table["evaluations"] == len(found) == 7 + 4
    assert table["front"] == [one.name for one in best_front(found)]
    assert table["knee"] in table["front"]
    given_error, knee = found[0].objectives[0], next(x for x in found if x.name == table["knee"])
    assert knee.objectives[0] < given_error
    assert table["design"]["strategy"] == knee.genome.form


def test_a_search_that_was_stopped_goes_on_to_the_same_table(consumer, tmp_path):
    _, context = consumer
    words = {"mixture": CONFIG.mixture, "exam": CONFIG.exam, "random": False}
    words["search"] = DesignSearchConfig(generations=1, population=2, examples=4)
    inputs = {"model": context.inputs[given("model")], "experts": context.inputs["experts"]}

    def search(folder, **options):
        for name in ("output", "checkpoint"):
            (folder / name).mkdir(parents=True, exist_ok=True)
        search_designs(
            StepContext(
                output=folder / "output", checkpoint=folder / "checkpoint", config=words, seed=3,
                inputs=inputs, **options,
            )
        )  # fmt: skip
        return (folder / "output" / "designs.json").read_text()

    whole = search(tmp_path / "whole")
    with pytest.raises(Exception, match="paused after generation 0"):
        search(tmp_path / "parts", stopping=lambda: True)
    assert search(tmp_path / "parts") == whole


def test_a_folder_that_has_experts_gets_no_others(consumer):
    _, context = consumer
    with pytest.raises(UserError, match="has experts already"):
        check_without_experts(context.inputs["model"])
