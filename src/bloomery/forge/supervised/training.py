"""One model of the library from a config: trained, examined, and laid out in a folder of evidence."""

import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from bloomery.core.closure import Deferred
from bloomery.core.config import build, load_recipe, to_plain
from bloomery.core.disk import remove_tree
from bloomery.core.errors import GateFailed
from bloomery.core.evidence import Bar, Check, Evidence, gate
from bloomery.core.run import Run, Sink, Watch
from bloomery.core.step import StepResult
from bloomery.core.workspace import Workspace
from bloomery.forge.pipeline import write_report
from bloomery.forge.supervised.settings import TrainingConfig

ROOM = "bloomery.forge.supervised"
RESULT = "result"


@dataclass(frozen=True, kw_only=True)
class Planned:
    """A config as it takes effect, and the name that its runs have."""

    name: str
    config: TrainingConfig

    def checks(self) -> tuple[Check, ...]:
        """The accuracy of each data set or task; those with a bar decide on the exit code."""
        return tuple(self._check(name) for name in self.config.examined())

    def _check(self, name: str) -> Check:
        bar = Bar(op=">=", value=self.config.bars.get(name, 0.0))
        meaning = "on examples that were not learned from"
        return Check(
            name=f"accuracy: {name}", bar=bar, unit="share right", meaning=meaning,
            required=name in self.config.bars,
        )  # fmt: skip


@dataclass(frozen=True, kw_only=True)
class Trained:
    """What a training left behind; `folder` holds the same bytes wherever `cid` is the same."""

    run_id: str
    cid: str
    folder: Path
    report: Path
    evidence: tuple[Evidence, ...]
    missed: tuple[str, ...]


def plan(source: str | Path, overrides: Sequence[str] = ()) -> Planned:
    """A config by path or packaged name, with overrides, checked as a whole before anything runs.

    Raises: UserError naming the key, the value and where it was given.
    """
    recipe = load_recipe(source, overrides)
    config = build(TrainingConfig, recipe.values, origin=recipe.origin)
    Deferred(f"{ROOM}.architectures", "check_changes")(config.model, config.architecture)
    path = Path(source)
    return Planned(name=f"{path.absolute().parent.name}/{path.stem}", config=config)


def train(
    workspace: Workspace, planned: Planned, *, watch: Watch | None = None, sink: Sink | None = None
) -> Trained:
    """Train and examine, or go on with the unfinished run of the same config and seed.

    What is in the store is not computed again. Raises: Paused, WorkspaceBusy, StepFailed, CapabilityMissing.
    """
    _settle_numerics(planned.config)
    if planned.config.kind == "images":
        Deferred(f"{ROOM}.confusion", "check_metrics")()
    run = Run.start(
        workspace, recipe=planned.name, config=to_plain(planned.config), seed=planned.config.seed,
        watch=watch, sink=sink,
    )  # fmt: skip
    try:
        with run:
            model = _train(run, planned.config)
            examined = _examine(run, planned, model)
            result = _lay_out(run, planned, model, examined)
    finally:
        report = write_report(workspace, run.id)
    verdict = gate(examined.evidence, planned.checks())
    return Trained(
        run_id=run.id, cid=result, folder=run.folder / RESULT, report=report, evidence=examined.evidence,
        missed=verdict.reasons,
    )  # fmt: skip


def refuse_missed(trained: Trained) -> None:
    """Raises: GateFailed where a bar of the config was missed."""
    if trained.missed:
        raise GateFailed(f"run {trained.run_id} missed its bar: {'; '.join(trained.missed)}")


def _train(run: Run, config: TrainingConfig) -> str:
    ground = {"model": config.model, "architecture": config.architecture}
    if config.images is not None:
        step = Deferred(f"{ROOM}.images", "train_on_images")
        return run.step("train", step, config={**ground, "images": config.images}).outputs["model"]
    if config.puzzles is not None:
        step = Deferred(f"{ROOM}.puzzles", "train_on_puzzles")
        return run.step("train", step, config={**ground, "puzzles": config.puzzles}).outputs["model"]
    words = {"language": config.language}
    vocabulary = run.step("tokenizer", Deferred(f"{ROOM}.language", "train_vocabulary"), config=words)
    return run.step(
        "train",
        Deferred(f"{ROOM}.language", "train_on_language"),
        config={**ground, **words},
        inputs=vocabulary.outputs,
    ).outputs["model"]


def _examine(run: Run, planned: Planned, model: str) -> StepResult:
    config, checks = planned.config, planned.checks()
    words = {"model": config.model, "checks": checks, **config.groups()}
    step = Deferred(f"{ROOM}.{config.kind}", f"examine_on_{config.kind}")
    return run.step("examine", step, config=words, inputs={"model": model})


def _lay_out(run: Run, planned: Planned, model: str, examined: StepResult) -> str:
    """The CID of the result's folder, of which the run's folder gets a copy."""
    inputs = {"model": model, "measured": examined.outputs["measured"]}
    words = to_plain(planned.config)
    laid = run.step(RESULT, Deferred(f"{ROOM}.result", "lay_out"), config=words, inputs=inputs)
    remove_tree(run.folder / RESULT)  # there already if a kill came after the next line
    run.workspace.store.copy_to(laid.outputs[RESULT], run.folder / RESULT)
    return laid.outputs[RESULT]


def _settle_numerics(config: TrainingConfig) -> None:
    """What sums depend on, before any step's key is made: threads, and one order of addition on CUDA."""
    os.environ.setdefault("CUBLAS_WORKSPACE_CONFIG", ":4096:8")
    if config.threads is not None:
        os.environ["OMP_NUM_THREADS"] = str(config.threads)
