"""The forge: a recipe's stages, one after the other, each measured, gated, and kept or rolled back."""

import json
import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields, replace
from pathlib import Path
from typing import Any

from bloomery.core.closure import Deferred
from bloomery.core.config import Recipe, build, load_recipe, option, to_plain
from bloomery.core.disk import remove_tree, write_atomically
from bloomery.core.engine import EngineName
from bloomery.core.errors import ConfigError, Failure, GateFailed, UnknownName
from bloomery.core.evidence import gate
from bloomery.core.report import render_html, report_data
from bloomery.core.run import Run, Sink, Watch
from bloomery.core.workspace import Workspace
from bloomery.forge.exams import check_exams
from bloomery.forge.given_model import bring_in, check_given
from bloomery.forge.handing_over import check_kinds
from bloomery.forge.judging import check_asked
from bloomery.forge.quietstar.settings import ThoughtsConfig
from bloomery.forge.settings import ExamConfig, check_names
from bloomery.forge.shipping import card_row, ship
from bloomery.forge.stage import Estimate, Stage, StageRun, given
from bloomery.forge.stages import ORDER
from bloomery.tasks.ingredient import Ingredient

SHIPPING = 50_000  # about what two cores read in the time that a second process takes to load a model
SHARED = ("mixture", "exam", "thoughts")  # what a recipe says once, for all its stages
MODEL = "model"  # the port of what is shipped in the end, and of what a recipe is given
GIVEN = "given"  # what stands for it on the way through the stages
THINKING = "quietstar"  # the stage whose thoughts later ones keep up
LOOKING_BACK = 10_000  # what sitting the exams takes for one model, about


@dataclass(frozen=True, kw_only=True)
class ForgeConfig:
    """A recipe of the forge, before each stage reads its own part."""

    seed: int = option(42, help="seed of everything that is drawn at random", low=0)
    threads: int | None = option(
        None, help="threads of numerical libraries; empty: OMP_NUM_THREADS, else one for each core", low=1
    )
    given: str | None = option(
        None,
        help="folder of a causal language model, or its CID, to begin with; empty: cognate makes one",
    )
    mixture: dict[str, Ingredient] = option(factory=dict, help="tasks and data sets of all stages")
    exam: ExamConfig = option(ExamConfig(), help="held-out examples by which all stages are judged")
    thoughts: ThoughtsConfig | None = option(
        None,
        help="thoughts that quietstar teaches and later stages keep up; empty: quietstar's default, and none",
    )
    stages: dict[str, Any] = option(
        help="the stages to run, with their configs; they run in the forge's order"
    )

    def __post_init__(self) -> None:
        check_names(self.mixture)
        check_asked(self.mixture, self.thoughts or self._own_thoughts())
        if self.given is not None:
            check_given(self.given)

    def _own_thoughts(self) -> ThoughtsConfig | None:
        """Quietstar's default where it runs and the recipe has none for all."""
        return ThoughtsConfig() if THINKING in self.stages else None


@dataclass(frozen=True, kw_only=True)
class Plan:
    """A recipe as it takes effect: the stages in their order, each with its own config."""

    name: str
    seed: int
    threads: int | None
    mixture: Mapping[str, Ingredient]
    exam: ExamConfig
    thoughts: ThoughtsConfig | None
    stages: tuple[tuple[Stage, Any], ...]
    given: str | None = None

    def to_plain(self) -> dict[str, Any]:
        """The recipe that gives this plan again."""
        return {
            "seed": self.seed,
            "threads": self.threads,
            **({} if self.given is None else {"given": self.given}),
            "mixture": to_plain(dict(self.mixture)),
            "exam": to_plain(self.exam),
            "thoughts": to_plain(self.thoughts),
            "stages": {stage.name: _own(to_plain(config)) for stage, config in self.stages},
        }

    def work(self) -> dict[str, int]:
        """Tokens to read in each step, in the order of the steps; for the time left."""
        steps = {
            f"{stage.name}.{step}": tokens
            for stage, config in self.stages
            for step, tokens in stage.work(config).items()
        }
        way = {"way": LOOKING_BACK * len(self.stages)} if self.mixture else {}
        return steps | way | {"ship": SHIPPING}

    def until(self, stage: str) -> "Plan":
        """The plan that ends with this stage: of a workspace that knows the whole, nothing is computed again.

        Raises: UnknownName.
        """
        names = [one.name for one, _ in self.stages]
        if stage not in names:
            raise UnknownName("stage of this recipe", stage, names)
        return replace(self, stages=self.stages[: names.index(stage) + 1])


@dataclass(frozen=True, kw_only=True)
class Forged:
    """What a run of the forge left behind."""

    run_id: str
    artifacts: Mapping[str, str]
    model: str
    folder: Path
    report: Path
    rolled_back: Mapping[str, Sequence[str]]


def plan(source: str | Path, overrides: Sequence[str] = ()) -> Plan:
    """A recipe by path or packaged name, with overrides, checked as a whole before anything runs.

    Raises: UserError naming the key, the value and where it was given.
    """
    recipe = load_recipe(source, overrides)
    return plan_of(Path(source).stem, recipe)


def plan_of(name: str, recipe: Recipe) -> Plan:
    forge_config = build(ForgeConfig, recipe.values, origin=recipe.origin)
    known = {stage.name: stage for stage in ORDER}
    for stage in forge_config.stages:
        if stage not in known:
            raise UnknownName("stage", stage, known)
    if not forge_config.stages:
        raise ConfigError(f"the recipe names no stage; known: {', '.join(known)}")
    stages: tuple[tuple[Stage, Any], ...] = tuple(
        (stage, _configured(stage, forge_config, recipe))
        for stage in ORDER
        if stage.name in forge_config.stages
    )
    _check_ports(stages, forge_config.given)
    return Plan(
        name=name, seed=forge_config.seed, threads=forge_config.threads, mixture=forge_config.mixture,
        exam=forge_config.exam, thoughts=forge_config.thoughts, stages=stages,
        given=forge_config.given,
    )  # fmt: skip


def forge(
    workspace: Workspace,
    plan: Plan,
    *,
    watch: Watch | None = None,
    sink: Sink | None = None,
    engine: EngineName = "processes",
) -> Forged:
    """Run the plan, or go on with its unfinished run; what is in the store is not computed again.

    Raises: ConfigError where the tasks cannot fill the exam; GateFailed, Paused, WorkspaceBusy, StepFailed.
    """
    check_exams(plan.mixture, plan.exam)
    _settle_numerics(plan)
    if plan.given is not None:  # by its content from here on: what lies in the folder may change
        plan = replace(plan, given=bring_in(workspace, plan.given))
    run = Run.start(
        workspace,
        recipe=plan.name,
        config=plan.to_plain(),
        seed=plan.seed,
        watch=watch,
        sink=sink,
        engine=engine,
    )
    return _finish(run, plan)


def resume(
    workspace: Workspace,
    run_id: str,
    *,
    watch: Watch | None = None,
    sink: Sink | None = None,
    engine: EngineName = "processes",
) -> Forged:
    """Go on with a run by its id."""
    known = plan_of_run(workspace, run_id)
    _settle_numerics(known)
    return _finish(Run.resume(workspace, run_id, watch=watch, sink=sink, engine=engine), known)


def plan_of_run(workspace: Workspace, run_id: str) -> Plan:
    """The plan that a run began with."""
    record = workspace.catalog.run(run_id)
    return plan_of(record.recipe, Recipe(values=dict(record.config), origin={}))


def write_report(workspace: Workspace, run_id: str) -> Path:
    """Write report.json and report.html into the run's folder; the path of the latter."""
    data = report_data(workspace.catalog, run_id)
    folder = workspace.runs / run_id
    write_atomically(folder / "report.json", json.dumps(data, indent=2, sort_keys=True).encode())
    write_atomically(folder / "report.html", render_html(data, charts=workspace.charts).encode())
    return folder / "report.html"


def estimates(plan: Plan) -> dict[str, list[Estimate]]:
    """What each training of each stage will take, from a few optimizer steps that are really made."""
    _settle_numerics(plan)
    configs = {stage.name: config for stage, config in plan.stages}
    return {stage.name: list(stage.estimate(config, configs)) for stage, config in plan.stages}


def _settle_numerics(plan: Plan) -> None:
    """What sums depend on, before any step's key is made: threads, and one order of addition on CUDA."""
    os.environ.setdefault("CUBLAS_WORKSPACE_CONFIG", ":4096:8")
    if plan.threads is not None:
        os.environ["OMP_NUM_THREADS"] = str(plan.threads)


def _finish(run: Run, plan: Plan) -> Forged:
    try:
        with run:
            forged, rolled_back, kept = _stages(run, plan)
            _look_back(run, plan, kept)
            shipped = ship(run, forged[MODEL], _card(run, plan))
            remove_tree(run.folder / "model")  # there already if a kill came after the next line
            folder = run.workspace.store.copy_to(shipped, run.folder / "model")
    finally:
        report = write_report(run.workspace, run.id)
    return Forged(
        run_id=run.id, artifacts=forged, model=shipped, folder=folder, report=report, rolled_back=rolled_back
    )


def _stages(run: Run, plan: Plan) -> tuple[dict[str, str], dict[str, Sequence[str]], dict[str, str]]:
    """The artifacts at the end, the objections to what was rolled back, each kept stage's model.

    Before these stands the model that the recipe is given, where it is.
    """
    artifacts: dict[str, str] = {} if plan.given is None else {MODEL: plan.given}
    rolled_back: dict[str, Sequence[str]] = {}
    kept = {} if plan.given is None else {GIVEN: plan.given}
    ports = [port for stage, _ in plan.stages for port in stage.outputs]
    for stage, known in plan.stages:
        check_kinds(run.workspace.catalog, stage, artifacts, ports, given=plan.given)
        config = _without_thoughts(known) if THINKING in rolled_back else known
        missing = sorted({port.name for port in stage.inputs if not port.optional} - set(artifacts))
        objections = _skip(run, stage, config, missing) if missing else _stage(run, stage, config, artifacts)
        if objections:
            rolled_back[stage.name] = objections
        else:
            kept[stage.name] = artifacts[MODEL]
    return artifacts, rolled_back, kept


def _look_back(run: Run, plan: Plan, kept: Mapping[str, str]) -> None:
    """Accuracy and bytes after each kept stage, by the recipe's exam."""
    if plan.mixture:
        words = {"mixture": plan.mixture, "exam": plan.exam, "thoughts": plan.thoughts, "stages": list(kept)}
        run.step("way", Deferred("bloomery.forge.way", "look_back"), config=words, inputs=kept)


def _stage(run: Run, stage: Stage, config: Any, artifacts: dict[str, str]) -> Sequence[str]:
    """Forge, measure from disk, gate: `artifacts` gets the outputs, or stays and the objections come back."""
    inputs = {port.name: artifacts[port.name] for port in stage.inputs if port.name in artifacts}
    outputs = dict(stage.forge(StageRun(run=run, stage=stage.name, config=config, inputs=inputs)))
    if missing := {port.name for port in stage.outputs} - set(outputs):
        raise Failure(f"stage '{stage.name}' did not give {', '.join(sorted(missing))}")
    seen = outputs | {given(name): cid for name, cid in inputs.items()}
    measured = run.step(f"{stage.name}.measure", stage.measure, config=config, inputs=seen)
    run.step(f"{stage.name}.clock", stage.clock, config=config, inputs=seen)
    verdict = gate(measured.evidence, stage.checks(config))
    if verdict.passed:
        artifacts.update(outputs)
        return ()
    run.roll_back(measured, "; ".join(verdict.reasons))
    if MODEL not in artifacts:
        raise GateFailed(
            f"stage '{stage.name}' did not pass its gate and there is no earlier model to go back to: "
            f"{'; '.join(verdict.reasons)}"
        )
    return verdict.reasons


def _skip(run: Run, stage: Stage, config: Any, missing: Sequence[str]) -> Sequence[str]:
    """A stage without its inputs, since the stage that makes them was rolled back: its checks are not run."""
    reason = f"it needs {', '.join(missing)}, and the stage that gives that was rolled back"
    words = {"checks": stage.checks(config), "reason": reason}
    run.step(f"{stage.name}.skipped", Deferred("bloomery.forge.skipping", "say_so"), config=words)
    return (f"not run: {reason}",)


def _card(run: Run, plan: Plan) -> dict[str, Any]:
    """What the model card says: the evidence that depends on no clock, the data and the sources."""
    evidence = [
        {"stage": stage.name, **card_row(item)}
        for stage, _ in plan.stages
        for item in run.workspace.catalog.evidence(run.id, f"{stage.name}.measure")
    ]
    begun = [] if plan.given is None else [f"Begun with the model {plan.given}"]
    return {
        "evidence": evidence,
        "data": "; ".join([*begun, *(stage.data(config) for stage, config in plan.stages)]),
        "sources": "; ".join(dict.fromkeys(stage.source for stage, _ in plan.stages)),
    }


def _configured(stage: Stage, forge_config: ForgeConfig, recipe: Recipe) -> Any:
    """The stage's config, with what the recipe says once for all stages."""
    given, where = forge_config.stages[stage.name] or {}, f"stages.{stage.name}"
    known = {key: getattr(forge_config, key) for key in SHARED if key in _fields(stage.config)}
    if known and not forge_config.mixture:
        raise ConfigError(f"the recipe's root names no mixture of tasks, which stage '{stage.name}' needs")
    for key in known:
        if key in given:
            raise ConfigError(
                f"{where}.{key} is set; the recipe's root names the {key}, for all stages: what chose in one "
                "must not measure in another"
            )
    shared = {key: value for key, value in known.items() if value is not None}
    return build(stage.config, {**given, **shared}, where=where, origin=recipe.origin)


def _without_thoughts(config: Any) -> Any:
    """After thinking was rolled back there is none to keep."""
    return replace(config, thoughts=None) if "thoughts" in _fields(type(config)) else config


def _own(values: Mapping[str, Any]) -> dict[str, Any]:
    return {key: value for key, value in values.items() if key not in SHARED}


def _fields(config: type) -> set[str]:
    return {field.name for field in fields(config)}


def _check_ports(stages: Sequence[tuple[Stage, Any]], given: str | None) -> None:
    available: set[str] = set() if given is None else {MODEL}
    for stage, _ in stages:
        if given is not None and not stage.inputs:
            raise ConfigError(
                f"the recipe is given a model, and its stage '{stage.name}' makes another; leave out one"
            )
        if missing := {port.name for port in stage.inputs if not port.optional} - available:
            raise ConfigError(
                f"stage '{stage.name}' needs {', '.join(sorted(missing))}, which no earlier stage of the "
                "recipe gives; add the stage that does"
            )
        available |= {port.name for port in stage.outputs}
