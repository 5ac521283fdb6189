"""What every stage of the forge keeps to, whoever wrote it."""

import dataclasses
import json
import shutil
from typing import get_args

import pytest

from bloomery.core.closure import Deferred, code_version
from bloomery.core.config import to_plain
from bloomery.core.run import Run
from bloomery.core.workspace import Workspace
from bloomery.forge.pipeline import plan
from bloomery.forge.stage import StageRun
from bloomery.forge.stages import ORDER, cognate
from bloomery.forge.stages.contracts import ALL_PARTS, bar_of, contract, whole_config
from tests.forge.whole import ALL

EVERY = pytest.mark.parametrize("stage", ORDER, ids=lambda stage: stage.name)
IN_RECIPES = pytest.mark.parametrize(
    ("stage", "recipe"),
    [
        pytest.param(stage, recipe, id=f"{stage.name}-{recipe.rpartition('/')[2]}")
        for recipe in (ALL, "forge/quickstart")
        for stage, _ in plan(recipe).stages
    ],
)


def config_of(stage, recipe=ALL):
    return {one.name: config for one, config in plan(recipe).stages}[stage.name]


def steps_of(workspace, stage):
    catalog = Workspace.open(workspace).catalog
    (run,) = catalog.runs()
    return (
        catalog,
        run.run_id,
        [one for one in catalog.steps(run.run_id) if one.name.startswith(f"{stage.name}.")],
    )


def test_a_recipe_of_the_tests_has_every_stage():
    assert [stage for stage, _ in plan(ALL).stages] == list(ORDER)


def test_no_two_stages_share_a_name():
    assert len({stage.name for stage in ORDER}) == len(ORDER)


@EVERY
def test_its_contract_is_plain_data_and_says_something_of_every_part(stage):
    told = json.loads(json.dumps(contract(stage)))
    assert told["name"] == stage.name
    for part in ("summary", "source", "outputs", "metrics", "checks", "config", "defaults"):
        assert told[part]
    for part in ("inputs", "outputs", "metrics"):
        assert all(meaning.partition(": ")[2] for meaning in told[part].values())


@EVERY
def test_every_field_of_its_config_has_a_help(stage):
    silent = [name for name, words in contract(stage)["config"].items() if not words]
    assert silent == []


@EVERY
def test_the_configs_inside_its_config_are_in_the_contract_too(stage):
    nested = [field for field in dataclasses.fields(stage.config) if dataclasses.is_dataclass(field.type)]
    told = contract(stage)["config"]
    for field in nested:
        assert {f"{field.name}.{inner.name}" for inner in dataclasses.fields(field.type)} <= set(told)


@IN_RECIPES
def test_every_check_has_a_name_of_its_own_and_a_bar_and_some_decide(stage, recipe):
    checks = stage.checks(config_of(stage, recipe))
    assert len({check.name for check in checks}) == len(checks)
    assert any(check.required for check in checks)
    assert all(str(check.bar) for check in checks)
    assert not [check.name for check in checks if check.required and check.unit in ("ms", "s", "GB")]


@IN_RECIPES
def test_every_check_of_a_recipe_is_in_the_contract_and_decides_only_where_that_says_so(stage, recipe):
    told = contract(stage)["checks"]
    for check in stage.checks(config_of(stage, recipe)):
        known = told["accuracy: <task>" if check.name.startswith("accuracy: ") else check.name]
        assert (known["unit"], known["comparison"]) == (check.unit, check.bar.op)
        assert check.required <= known["decides"].startswith("gate")
        assert check.required or known["decides"] != "gate"


@IN_RECIPES
def test_a_recipe_that_sets_no_bar_has_the_contracts(stage, recipe):
    """And where it sets one, the check has that bar: the setting is the one that the contract names."""
    told, config = contract(stage)["checks"], config_of(stage, recipe)
    bars = {f"bars.{name}": value for name, value in to_plain(config.bars).items()}
    named = [check for check in stage.checks(config) if check.name in told]
    for check in named:
        if (setting := told[check.name]["setting"]) and bars[setting] is not None:
            assert check.bar.value == bars[setting]
        elif not setting and check.name not in BARS_BY_OTHER_SETTINGS:
            assert check.bar.value == told[check.name]["default"]


BARS_BY_OTHER_SETTINGS = {"length of thoughts", "own temperature told"}  # how long, at how many temperatures


@EVERY
def test_the_defaults_of_its_contract_are_those_of_its_config(stage):
    built, told = to_plain(whole_config(stage)), contract(stage)["defaults"]
    given = {"mixture", "thoughts", *ALL_PARTS.get(stage.name, {})}
    for name, value in told.items():
        found = built
        for key in name.split("."):
            found = found[key]
        if name.partition(".")[0] not in given and not name.endswith((".steps", ".muon_grokfast")):
            assert found == value, name


def test_the_contract_names_a_bar_its_setting_and_what_it_decides():
    told = {stage.name: contract(stage)["checks"] for stage in ORDER}
    kept = told["compression"]["accuracy kept"]
    assert (kept["comparison"], kept["default"], kept["unit"]) == (">=", 0.95, "of the accuracy")
    assert (kept["setting"], kept["decides"]) == ("bars.kept", "gate")
    assert bar_of(kept) == ">= 0.95 of the accuracy"
    thinking = told["bitnet"]["thinking kept"]
    assert (thinking["default"], thinking["decides"]) == (None, "gate where set")
    assert bar_of(thinking) == ">= as set of the accuracy"
    assert bar_of(told["cognate"]["parameters, at most"]) == "<= 27,500,000 parameters"
    assert told["curriculum"]["rungs over uniform"]["decides"] == "report"
    assert told["baking"]["claims measured again"]["setting"] == ""


@EVERY
def test_what_it_defers_is_there(stage):
    deferred = [
        value
        for field in dataclasses.fields(stage)
        if isinstance(value := getattr(stage, field.name), Deferred)
    ]
    for one in deferred:
        module = __import__(one.module, fromlist=[one.name])
        assert callable(getattr(module, one.name))
        assert code_version(one) == code_version(getattr(module, one.name))


@EVERY
def test_it_gives_every_port_that_it_declares_and_nothing_else(stage, whole_workspace, tmp_path):
    """From a workspace that remembers each of its steps."""
    place, wanted = Workspace.open(shutil.copytree(whole_workspace, tmp_path / "copy")), plan(ALL)
    artifacts = {}
    with Run.start(place, recipe=wanted.name, config=wanted.to_plain(), seed=wanted.seed) as run:
        for one in ORDER:
            inputs = {port.name: artifacts[port.name] for port in one.inputs if port.name in artifacts}
            at = StageRun(run=run, stage=one.name, config=config_of(one), inputs=inputs)
            given = dict(one.forge(at))
            if one is stage:
                break
            artifacts |= given
        assert {step.status for step in place.catalog.steps(run.id)} == {"memoized"}
    assert set(given) == {port.name for port in stage.outputs}
    for port in stage.outputs:
        assert place.catalog.artifact(given[port.name]).kind == port.kind


@EVERY
def test_the_time_left_counts_every_step_that_the_stage_makes(stage, whole_workspace):
    _, _, steps = steps_of(whole_workspace, stage)
    work = stage.work(config_of(stage))
    assert [f"{stage.name}.{name}" for name in work] == [step.name for step in steps]
    assert all(tokens > 0 for tokens in work.values())


@EVERY
def test_every_check_is_answered_once_by_whoever_consumes_it(stage, whole_workspace):
    catalog, run_id, _ = steps_of(whole_workspace, stage)
    parts = ("measure", "clock")
    answered = [item.check for part in parts for item in catalog.evidence(run_id, f"{stage.name}.{part}")]
    assert sorted(answered) == sorted(check.name for check in stage.checks(config_of(stage)))
    timed = [item.check for item in catalog.evidence(run_id, f"{stage.name}.clock")]
    required = {check.name for check in stage.checks(config_of(stage)) if check.required}
    assert not required & set(timed)


@EVERY
def test_it_says_what_it_trains_on(stage):
    assert "parity" in stage.data(config_of(stage))


@EVERY
def test_its_estimate_counts_what_its_recipe_says(stage):
    config = config_of(stage)
    estimates = stage.estimate(config, {one.name: config_of(one) for one in ORDER})
    work = stage.work(config)
    assert estimates
    for one in estimates:
        assert one.tokens == work[one.part]
        assert one.total_s == pytest.approx(one.steps * one.step_s)
        assert one.step_s > 0
        assert one.peak_bytes > 1e6


@EVERY
def test_its_estimate_says_something_of_each_training(stage):
    """A field that is a training, or holds one, is a part that takes time."""
    config = config_of(stage)
    dear = {one.part for one in stage.estimate(config, {one.name: config_of(one) for one in ORDER})}
    assert DEAR[stage.name] <= dear


DEAR = {
    "cognate": {"base", "reasoning", "memory_integration", "adaptive_computation"},
    "evomerge": {"search", "random"},
    "quietstar": {"teach", "reinforce"},
    "bitnet": {"tune"},
    "curriculum": {"climb", "uniform", "introspect", "principles"},
    "baking": {"cycles"},
    "experts": {"find", "teach", "search", "random"},
    "compression": {"calibrate", "code", "choose"},
}


@EVERY
def test_an_estimate_is_empty_where_the_model_is_another_recipes(stage):
    alone = stage.estimate(config_of(stage), {})
    assert bool(alone) == (stage is cognate.STAGE)


@EVERY
def test_the_curves_that_it_declares_are_recorded(stage, whole_workspace):
    catalog, run_id, steps = steps_of(whole_workspace, stage)
    recorded = {row.name for step in steps for row in catalog.metrics(run_id, step.name)}
    for metric in stage.metrics:
        head, tail = metric.name.partition("<")[0], metric.name.rpartition(">")[2]
        assert [name for name in recorded if name.startswith(head) and name.endswith(tail)], metric.name


def test_the_presets_of_the_first_stage_are_those_that_it_can_make():
    from bloomery.forge.cognate.growing import PRESETS
    from bloomery.forge.stages.cognate import CognateStageConfig

    (field,) = [one for one in dataclasses.fields(CognateStageConfig) if one.name == "preset"]
    assert set(get_args(field.type)) == set(PRESETS)
