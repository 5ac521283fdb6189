"""The whole stage on planted kinds of tasks: it passes there, and fails where the kinds are one."""

import json
from dataclasses import replace

import pytest
import torch
from safetensors.torch import load_file

from bloomery.core.config import build, to_plain
from bloomery.core.errors import UserError
from bloomery.core.evidence import State, gate
from bloomery.core.run import Run
from bloomery.core.step import Journal, StepContext
from bloomery.core.workspace import Workspace
from bloomery.forge.evolving.nsga import best_front, from_plain
from bloomery.forge.experts.designs import Design
from bloomery.forge.experts.folder import check_without_experts, load_with_experts
from bloomery.forge.experts.measuring import clock_experts, measure_experts
from bloomery.forge.experts.searching import search_designs, write_folder
from bloomery.forge.experts.settings import DesignSearchConfig, FindConfig, TeachConfig
from bloomery.forge.folders import load_model
from bloomery.forge.judging import CLAIMS
from bloomery.forge.settings import ExamConfig
from bloomery.forge.stage import StageRun, given
from bloomery.forge.stages.experts import (
    CHOSEN,
    DISPATCH,
    IDENTITY,
    MORE,
    OVER_NONE,
    OVER_UNIFORM,
    SHIPPED_OVER_UNIFORM,
    STAGE,
    TO_ORACLE,
    ExpertsStageConfig,
    checks,
    work,
)
from bloomery.models.packed.experts import read
from tests.forge.experts.planted import MIXTURE, PLANTED, register

CONFIG = ExpertsStageConfig(
    mixture=MIXTURE,
    exam=ExamConfig(selection=48, test=64),
    find=FindConfig(most=4, probe_steps=10),
    teach=TeachConfig(steps=30, lr=4e-2),
    search=DesignSearchConfig(generations=1, population=4, examples=24),
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
        register(patch, *PLANTED)
        steps, context = forged(tmp_path_factory.mktemp("planted"), torn, CONFIG)
        measure_experts(context)
        clock_experts(context)
        yield steps, context


def evidence(context):
    return {item.check: item for item in context.journal.evidence}


def test_it_passes_where_three_kinds_need_opposed_experts(consumer):
    """By the default bars."""
    _, context = consumer
    found = evidence(context)
    assert gate(context.journal.evidence, checks(CONFIG)).passed
    assert (
        min(found[name].measured for name in (CHOSEN, SHIPPED_OVER_UNIFORM, OVER_NONE, OVER_UNIFORM)) > 0.15
    )
    assert found[MORE].measured == 1
    assert found[DISPATCH].measured > 0.9 > found[DISPATCH].chance == pytest.approx(1 / 3)
    assert found[TO_ORACLE].measured > 0.9
    assert found[IDENTITY].measured == found[CLAIMS].measured == 0.0


@pytest.mark.slow
def test_it_fails_where_all_kinds_ask_for_the_same(torn, tmp_path, removed):
    """Vectors help there too, and one for all prompts helps as much: experts are for nothing."""
    _, context = forged(tmp_path, torn, QUICK)
    measure_experts(context)
    found = evidence(context)
    assert found[CHOSEN].measured > 0.15
    assert found[SHIPPED_OVER_UNIFORM].state == State.FAILED
    assert abs(found[OVER_UNIFORM].measured) < 0.1
    verdict = gate(context.journal.evidence, checks(QUICK))
    assert [reason.partition(":")[0] for reason in verdict.reasons] == [SHIPPED_OVER_UNIFORM]


def shipped_instead(context, weights, tmp_path):
    """What the gate says where another design had been shipped, and what was measured of it."""
    model, experts = context.inputs[given("model")], context.inputs["experts"]
    design = Design(strategy="act", weights=weights, strengths=(1.0,) * len(read(experts).ranks))
    write_folder(model, experts, design, tmp_path / "model")
    (tmp_path / "claims.json").write_text(json.dumps({"accuracy": 0.0, "over random": 0.0}))
    inputs = {**context.inputs, "model": tmp_path / "model", "claims": tmp_path / "claims.json"}
    other = replace(context, inputs=inputs, journal=Journal())
    measure_experts(other)
    verdict = gate(other.journal.evidence, checks(CONFIG))
    return {reason.partition(":")[0] for reason in verdict.reasons}, evidence(other)


def test_the_given_model_is_not_shipped_again_under_the_name_of_experts(consumer, tmp_path):
    """Two passes would have passed: they are not what is shipped."""
    reasons, found = shipped_instead(consumer[1], (0.0,) * 3, tmp_path)
    assert found[OVER_NONE].state == State.PASSED
    assert (found[CHOSEN].measured, found[MORE].measured) == (0.0, 0.0)
    assert MORE in reasons
    assert CHOSEN not in reasons


def test_a_design_that_answers_less_than_the_given_model_is_not_shipped(consumer, tmp_path):
    reasons, found = shipped_instead(consumer[1], (0.0, 0.0, 1.0), tmp_path)
    assert found[OVER_NONE].state == State.PASSED
    assert found[CHOSEN].measured < 0
    assert CHOSEN in reasons


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
    assert by_kind == {"first": "1", "second": "2", "last": "4"}
    assert experts.names[int(experts.choose(ids).argmax())].endswith("first")


def test_the_table_of_designs_holds_the_front_and_the_knee(consumer):
    _, context = consumer
    table = json.loads(context.inputs["designs"].read_text())
    found = from_plain(table["individuals"])
    assert table["evaluations"] == len(found) == 8 + 4
    assert table["front"] == [one.name for one in best_front(found)]
    assert table["knee"] in table["front"]
    given_error, knee = found[0].objectives[0], next(x for x in found if x.name == table["knee"])
    assert knee.objectives[0] < given_error
    assert table["design"]["strategy"] == knee.genome.form


def test_every_individual_of_the_search_is_in_the_catalog(consumer):
    _, context = consumer
    found = from_plain(json.loads(context.inputs["designs"].read_text())["individuals"])
    catalog = Workspace.open(context.output.parent).catalog
    (run,) = catalog.runs()
    for place, name in enumerate(("error", "operations a token", "bytes")):
        rows = catalog.metrics(run.run_id, "experts.search", f"individual/{name}")
        assert {row.index: row.value for row in rows} == dict(
            enumerate(one.objectives[place] for one in found)
        )
    rows = catalog.metrics(run.run_id, "experts.search", "individual/generation")
    assert [row.value for row in rows] == [one.generation for one in found] == [0] * 8 + [1] * 4


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
