"""The second stage, on the specialists of the tiny recipe."""

import dataclasses
import json
import shutil
from dataclasses import replace
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file, save_file

from bloomery.core.closure import Deferred, code_version
from bloomery.core.config import Recipe, build, load_recipe
from bloomery.core.errors import ConfigError, Failure
from bloomery.core.evidence import State
from bloomery.core.step import Paused
from bloomery.core.workspace import Workspace
from bloomery.forge import pipeline
from bloomery.forge.evolving.history import history_from_plain
from bloomery.forge.evomerge import measuring as measuring_evomerge
from bloomery.forge.evomerge.examining import fitness
from bloomery.forge.evomerge.measuring import measure_champion
from bloomery.forge.evomerge.searching import search_merges
from bloomery.forge.evomerge.space import MergeSpace
from bloomery.forge.folders import load_model
from bloomery.forge.merging.merge import merge
from bloomery.forge.merging.recipe import MergeRecipe
from bloomery.forge.stage import given
from bloomery.forge.stages import cognate, evomerge
from bloomery.forge.stages.cognate import NAMES
from bloomery.forge.stages.contracts import contract
from bloomery.forge.stages.evomerge import EvomergeStageConfig, checks
from bloomery.tasks.accuracy import Accuracy
from tests.cli.forged import RECIPE
from tests.forge.steps import context_in

MIXTURE = {"parity": {"difficulties": [10, 12]}, "chained_sums": {"difficulties": [6, 8]}}
EXAM = {"selection": 8, "test": 8}  # as in the tiny recipe
SEARCH = {"generations": 3, "population": 4, "patience": 3}
VALUES = {"search": SEARCH}


def config(**changes) -> EvomergeStageConfig:
    return build(EvomergeStageConfig, {"mixture": MIXTURE, "exam": EXAM} | VALUES | changes)


def plan_with(**changes):
    values = load_recipe(RECIPE).values
    stages = {**values["stages"], "evomerge": VALUES | changes}
    return pipeline.plan_of("tiny", Recipe(values={**values, "stages": stages}, origin={}))


@pytest.fixture
def order(monkeypatch):
    monkeypatch.setattr(pipeline, "ORDER", (cognate.STAGE, evomerge.STAGE))


@pytest.fixture(scope="module")
def evolved_root(forged_workspace, tmp_path_factory) -> Path:
    """A workspace in which the stage was run after cognate; read it, never change it."""
    root = tmp_path_factory.mktemp("evolved") / "ws"
    shutil.copytree(forged_workspace, root)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(pipeline, "ORDER", (cognate.STAGE, evomerge.STAGE))
        place = Workspace.open(root)
        # A gate that this recipe's models, which know next to nothing, pass whatever is drawn.
        pipeline.forge(place, plan_with(bars={"over_best_parent": -1.0}), engine="inline")
        place.catalog.close()
    return root


@pytest.fixture
def place(evolved_root):
    return Workspace.open(evolved_root)


def the_run(place):
    return max(place.catalog.runs(), key=lambda run: run.started_at)


@pytest.fixture
def made(place):
    """The outputs of each step."""
    return {step.name: dict(step.outputs) for step in place.catalog.steps(the_run(place).run_id)}


def read(place, cid):
    return json.loads(place.store.read(cid))


@pytest.fixture
def parents(place, made):
    best = read(place, made["cognate.choose"]["claims"])["best"]
    folders = {name: place.store.path(made[f"cognate.{name}"]["specialist"]) for name in NAMES}
    soups = place.store.path(made["evomerge.soups"]["soups"])
    return {
        **folders,
        "soups": soups,
        "base": place.store.path(made["cognate.base"]["base"]),
        "model": folders[best],
    }


@pytest.fixture
def consumer(place, made, parents, tmp_path):
    inputs = {given(name): path for name, path in parents.items()}
    inputs |= {
        "model": place.store.path(made["evomerge.champion"]["model"]),
        "lineage": place.store.path(made["evomerge.search"]["lineage"]),
        "claims": place.store.path(made["evomerge.claim"]["claims"]),
    }
    return context_in(tmp_path, inputs, config(bars={"accuracy": {"parity": 0.0}}))


def measured(context):
    measure_champion(context)
    return {item.check: item for item in context.journal.evidence}


def searching(**search):
    wanted = config()
    return {
        "on": {"mixture": wanted.mixture, "exam": wanted.exam, "parents": NAMES},
        "search": replace(wanted.search, **search),
        "evaluations": None,
    }


def test_it_gives_every_port_and_nothing_else(place, made):
    given_ports = {
        "model": made["evomerge.champion"]["model"],
        "lineage": made["evomerge.search"]["lineage"],
        "claims": made["evomerge.claim"]["claims"],
    }
    assert set(given_ports) == {port.name for port in evomerge.STAGE.outputs}
    for port in evomerge.STAGE.outputs:
        assert place.catalog.artifact(given_ports[port.name]).kind == port.kind


def test_every_check_is_answered_once(place):
    found = [
        item.check
        for part in ("measure", "clock")
        for item in place.catalog.evidence(the_run(place).run_id, f"evomerge.{part}")
    ]
    assert sorted(found) == sorted(check.name for check in checks(config()))


@pytest.mark.parametrize("beside", [True, False])
def test_the_time_left_counts_the_steps_that_are_made(place, made, beside):
    work = evomerge.STAGE.work(config(random_search=beside))
    steps = [name.partition(".")[2] for name in made if name.startswith("evomerge.")]
    assert list(work) == [step for step in steps if beside or step != "random"]
    assert all(tokens > 0 for tokens in work.values())


def test_its_contract_has_a_word_for_every_part():
    told = contract(evomerge.STAGE)
    assert all(told["config"].values())
    assert {"search.generations", "exam.selection", "bars.over_best_parent"} <= set(told["config"])
    deferred = [value for value in vars(evomerge.STAGE).values() if isinstance(value, Deferred)]
    for one in deferred:
        assert code_version(one) == code_version(getattr(__import__(one.module, fromlist=["_"]), one.name))
    assert "parity" in evomerge.STAGE.data(config())


def test_the_champion_is_the_best_of_all_that_were_tried(place, made):
    lineage = read(place, made["evomerge.search"]["lineage"])
    tried = history_from_plain(lineage["individuals"])
    assert lineage["fitness"] == max(one.fitness for one in tried)
    assert {one.name: one.fitness for one in tried}[lineage["champion"]] == lineage["fitness"]
    first = [one for one in tried if one.generation == 0]
    assert lineage["evaluations"] == len(tried) == len(first) + 3 * 4
    assert len(first) in (11, 12)  # the greedy soup may be the uniform one


def test_no_soup_and_no_parent_did_better_on_the_selection_examples(place, made):
    lineage = read(place, made["evomerge.search"]["lineage"])
    soups = read(place, made["evomerge.soups"]["soups"])
    rivals = [*(one["fitness"] for one in soups["soups"].values()), *soups["parents"].values()]
    assert lineage["fitness"] >= max(rivals) - 1e-4  # likelihoods, of merges to float32 rounding


def test_random_search_had_as_many_evaluations(place, made):
    search, drawn = (read(place, made[f"evomerge.{step}"]["lineage"]) for step in ("search", "random"))
    assert drawn["evaluations"] == search["evaluations"]
    assert {one["operator"] for one in drawn["individuals"]} == {"given", "drawn"}


def test_the_champion_on_disk_is_its_recipe_merged(place, made, parents):
    """From the files, without the stage."""
    recipe = build(MergeRecipe, read(place, made["evomerge.search"]["lineage"])["recipe"])
    weights = [load_file(parents[name] / "model.safetensors") for name in NAMES]
    expected = merge(recipe, weights, load_file(parents["base"] / "model.safetensors"))
    found = load_file(place.store.path(made["evomerge.champion"]["model"]) / "model.safetensors")
    assert set(found) == set(expected)
    assert all(torch.equal(found[name], expected[name]) for name in expected)


def test_what_was_searched_for_is_what_is_claimed_from_disk(place, made):
    """Fitness by hand: the mean accuracy, and the mean likelihood as less than one example of one task."""
    scores = read(place, made["evomerge.claim"]["claims"])["scores"]["champion"]
    rate = sum(one["rate"] for one in scores.values()) / 2
    likelihood = sum(one["likelihood"] for one in scores.values()) / 2
    lineage = read(place, made["evomerge.search"]["lineage"])
    assert lineage["fitness"] == pytest.approx(rate + likelihood / (2 * EXAM["selection"]), abs=1e-12)


def test_likelihood_only_breaks_ties():
    def results(right, likelihood):
        one = Accuracy(
            correct=right, total=10, chance=0.5, low=0, high=1, benchmark="mine", likelihood=likelihood
        )
        return {"a": one, "b": replace(one, correct=5)}

    assert fitness(results(3, 0.999)) < fitness(results(4, 0.001))
    assert fitness(results(3, 0.2)) < fitness(results(3, 0.3))


def test_the_report_draws_the_champions_lineage(place):
    page = (place.runs / the_run(place).run_id / "report.html").read_text()
    assert "evomerge.search: Lineage of the champion" in page
    assert "<code>{&#39;title&#39;" not in page


def test_curves_of_fitness_and_diversity_cover_every_generation(place):
    rows = place.catalog.metrics(the_run(place).run_id, "evomerge.search")
    curves = {}
    for row in rows:
        curves.setdefault(row.name, {})[row.index] = row.value
    for name in ("fitness/best", "fitness/mean_of_generation", "diversity/share_of_generation_0"):
        assert set(curves[name]) == {0, 1, 2, 3}
    best = [curves["fitness/best"][number] for number in range(4)]
    assert best == sorted(best)
    assert all(curves["fitness/mean_of_generation"][number] <= best[number] for number in range(4))
    assert curves["diversity/share_of_generation_0"][0] == 1.0


def test_a_search_that_is_paused_and_resumed_leaves_the_same_bytes(parents, tmp_path):
    whole = context_in(tmp_path / "whole", parents, searching())
    search_merges(whole)
    stops = iter([False, True])
    first = context_in(tmp_path / "parts", parents, searching(), stopping=lambda: next(stops))
    with pytest.raises(Paused, match="generation 1"):
        search_merges(first)
    assert not list(first.output.iterdir())
    rest = context_in(tmp_path / "parts", parents, searching())
    search_merges(rest)
    assert (rest.output / "lineage.json").read_bytes() == (whole.output / "lineage.json").read_bytes()


def test_a_finished_history_is_not_examined_again(parents, tmp_path, monkeypatch):
    context = context_in(tmp_path, parents, searching())
    search_merges(context)
    monkeypatch.setattr("bloomery.forge.evomerge.searching.examined", None)
    search_merges(context)
    assert context.facts["evaluations"] in (23, 24)


@pytest.mark.parametrize("kind", ["cma", "random"])
def test_the_other_searches_run_too(parents, tmp_path, kind):
    context = context_in(tmp_path, parents, searching(kind=kind, generations=1))
    search_merges(context)
    lineage = json.loads((context.output / "lineage.json").read_text())
    assert lineage["evaluations"] in (15, 16)
    assert lineage["fitness"] == max(one["fitness"] for one in lineage["individuals"])


@pytest.mark.slow
def test_worker_processes_find_the_same_as_this_process(parents, tmp_path):
    found = []
    for engine in ("inline", "processes"):
        context = context_in(tmp_path / engine, parents, searching(generations=1), engine=engine)
        search_merges(context)
        found.append((context.output / "lineage.json").read_bytes())
    assert found[0] == found[1]


def test_the_soups_are_made_of_parents_and_no_worse_than_the_best_alone(place, made):
    found = read(place, made["evomerge.soups"]["soups"])
    assert set(found["parents"]) == set(NAMES)
    assert found["soups"]["uniform soup"]["members"] == list(NAMES)
    assert found["soups"]["greedy soup"]["fitness"] >= max(found["parents"].values())


def test_a_parent_with_a_broken_weight_is_named(parents, tmp_path):
    broken = shutil.copytree(parents["reasoning"], tmp_path / "broken", copy_function=shutil.copyfile)
    broken.chmod(0o755)
    weights = load_file(broken / "model.safetensors")
    weights["norm.weight"][0] = float("nan")
    save_file(weights, broken / "model.safetensors", metadata={"format": "pt"})
    context = context_in(tmp_path / "step", {**parents, "reasoning": broken}, searching())
    with pytest.raises(Failure, match=r"0\.1 could not be examined.*norm.weight of model 0"):
        search_merges(context)


def test_the_consumer_measures_on_the_test_examples_and_checks_claims_on_the_others(consumer, monkeypatch):
    parts, real = [], measuring_evomerge.examined

    def noted(context, bench, candidates):
        parts.append((bench.part, list(candidates)))
        return real(context, bench, candidates)

    monkeypatch.setattr(measuring_evomerge, "examined", noted)
    measured(consumer)
    everyone = ["champion", *NAMES, "greedy soup", "random search", "uniform soup"]
    assert parts == [("test", everyone), ("selection", ["champion"])]


KNOWN = {
    "champion": 0.75, "reasoning": 0.5, "memory_integration": 0.625, "adaptive_computation": 0.375,
    "uniform soup": 0.7, "greedy soup": 0.8, "random search": 0.75,
}  # fmt: skip


def known(rates):
    def examined(_context, _bench, candidates):
        def result(name):
            return Accuracy(
                correct=round(1000 * rates[name]), total=1000, chance=0.5, low=0.0, high=1.0, benchmark="mine"
            )

        return {name: {"parity": result(name), "chained_sums": result(name)} for name in candidates}

    return examined


def test_gains_by_hand(consumer, monkeypatch):
    monkeypatch.setattr(measuring_evomerge, "examined", known(KNOWN))
    found = measured(consumer)
    values = {name: item.measured for name, item in found.items()}
    assert values["over the best parent"] == pytest.approx(0.75 - 0.625)
    assert found["over the best parent"].baseline == 0.625
    assert values["over the mean parent"] == pytest.approx(0.75 / 0.5 - 1)
    assert values["over uniform soup"] == pytest.approx(0.05)
    assert values["over greedy soup"] == pytest.approx(-0.05)
    assert found["over greedy soup"].state is State.FAILED
    assert not found["over greedy soup"].required
    assert values["over random search"] == 0.0
    assert values["accuracy: parity"] == 0.75


def test_a_share_of_parents_that_know_nothing_is_not_run(consumer, monkeypatch):
    monkeypatch.setattr(measuring_evomerge, "examined", known({**KNOWN, **dict.fromkeys(NAMES, 0.0)}))
    assert measured(consumer)["over the mean parent"].state is State.NOT_RUN


@pytest.mark.parametrize("by", [0.125, -0.125])
def test_a_claim_that_is_not_what_is_measured_fails(consumer, tmp_path, by):
    claims = json.loads(consumer.inputs["claims"].read_text())
    claims["scores"]["champion"]["parity"]["rate"] += by
    (tmp_path / "claims.json").write_text(json.dumps(claims))
    consumer.inputs = {**consumer.inputs, "claims": tmp_path / "claims.json"}
    again = measured(consumer)["claims measured again"]
    assert again.state is State.FAILED
    assert again.measured == pytest.approx(0.125)


@pytest.mark.slow
def test_a_champion_below_its_bar_is_rolled_back_to_the_best_specialist(workspace, order):
    place = Workspace.open(workspace)
    wanted = plan_with(
        bars={"over_best_parent": 1.01}, search=SEARCH | {"generations": 1}, random_search=False
    )
    forged = pipeline.forge(place, wanted, engine="inline")
    assert "over the best parent" in "; ".join(forged.rolled_back["evomerge"])
    steps = {step.name: step for step in place.catalog.steps(forged.run_id)}
    assert steps["evomerge.measure"].status == "rolled_back"
    assert "evomerge.random" not in steps
    best = read(place, steps["cognate.choose"].outputs["claims"])["best"]
    assert forged.artifacts["model"] == steps[f"cognate.{best}"].outputs["specialist"]
    shipped, _ = load_model(forged.folder)
    specialist, _ = load_model(place.store.path(forged.artifacts["model"]))
    assert torch.equal(shipped.state_dict()["norm.weight"], specialist.state_dict()["norm.weight"])


def test_it_needs_what_cognate_gives(order):
    values = {"seed": 1, "mixture": MIXTURE, "stages": {"evomerge": VALUES}}
    with pytest.raises(ConfigError, match="'evomerge' needs adaptive_computation, base"):
        pipeline.plan_of("tiny", Recipe(values=values, origin={}))


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"mixture": {}}, "no task with a weight above 0"),
        ({"mixture": {"parity": {"weight": 0}}}, "no task with a weight above 0"),
        ({"bars": {"accuracy": {"sorting": 0.5}}}, "names sorting, which the mixture does not hold"),
        ({"search": {"generations": 51}}, "generations"),
        ({"search": {"kind": "genetc"}}, "genetic"),
    ],
)
def test_wrong_configs_are_refused(changes, message):
    with pytest.raises(ConfigError, match=message):
        config(**changes)


def test_no_field_of_its_config_is_a_second_default():
    """What the stage's file says of generation 0 and of random generations is what the code does."""
    assert len(MergeSpace(3, 2, 0).first([[0, 1, 2], [1, 2]])) == evomerge.FIRST
    assert dataclasses.replace(config().search, kind="cma", population=0).population == 0
    drawn = config(search={"kind": "cma", "population": 0}).drawn()
    assert (drawn.kind, drawn.population) == ("random", evomerge.REPLACEMENT)
