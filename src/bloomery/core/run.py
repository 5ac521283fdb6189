"""A run: one execution of a recipe, step by step, that may be killed at any moment and started again.

runs/<id>/config.yaml          recipe, seed and config as they took effect
runs/<id>/environment.json     what it ran on, the last time that it was started
runs/<id>/checkpoints/<key>/   of the steps that are not done: checkpoint/, output/, journal
runs/<id>/pause                put there by `request_pause`: the run stops at its next checkpoint
"""

import json
import secrets
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import yaml

from bloomery.core import machine, memo
from bloomery.core.catalog import RunRecord
from bloomery.core.catalog.records import RunStatus
from bloomery.core.config import canonical_json, differences, to_plain
from bloomery.core.disk import full_disk_named, remove_tree, write_atomically
from bloomery.core.engine import EngineName
from bloomery.core.errors import (
    BloomeryError,
    ConfigError,
    StepFailed,
    UserError,
)
from bloomery.core.log import get_log, log_to
from bloomery.core.sigterm import sigterm_sets
from bloomery.core.step import Journal, Paused, StepContext, StepResult, step_key
from bloomery.core.workspace import Workspace

StepFunction = Callable[[StepContext], None]
Watch = Callable[[str, int, int, str], None]  # step, done, total (0: it began, nobody knows yet), text
Sink = Callable[[str, str, float, int], None]  # step, metric, value, index
log = get_log("run")


@dataclass(frozen=True, kw_only=True)
class Surroundings:
    """What no result depends on: who watches, where metrics go as well, what maps candidates."""

    watch: Watch | None = None
    sink: Sink | None = None
    engine: EngineName = "processes"


class Run:
    """A recipe being executed; use it in a `with` block, which also settles the run's status.

    While it is open it holds the workspace's lock, and SIGTERM asks it to pause.
    """

    def __init__(self, workspace: Workspace, run_id: str, *, recipe: str, config: Any, seed: int) -> None:
        self.workspace = workspace
        self.id = run_id
        self.recipe = recipe
        self.config = config
        self.seed = seed
        self.folder = workspace.runs / run_id
        self.around = Surroundings()
        self._stop = threading.Event()
        self._open = ExitStack()

    @classmethod
    def start(
        cls,
        workspace: Workspace,
        *,
        recipe: str,
        config: Any,
        seed: int,
        watch: Watch | None = None,
        sink: Sink | None = None,
        engine: EngineName = "processes",
    ) -> Self:
        """Begin a run, or go on with the last one of the same recipe, config and seed that is not done.

        Raises: WorkspaceBusy.
        """
        plain = to_plain(config)
        with _held(workspace, f"run of {recipe}") as lock:
            wanted = (recipe, canonical_json(plain), seed)
            unfinished = [record for record in _dead_runs(workspace) if _identity(record) == wanted]
            run_id = max(unfinished, key=lambda record: record.started_at).run_id if unfinished else _run_id()
            run = cls(workspace, run_id, recipe=recipe, config=plain, seed=seed)
            return run._begin(lock, Surroundings(watch=watch, sink=sink, engine=engine))

    @classmethod
    def resume(
        cls,
        workspace: Workspace,
        run_id: str,
        *,
        config: Any = None,
        watch: Watch | None = None,
        sink: Sink | None = None,
        engine: EngineName = "processes",
    ) -> Self:
        """Go on with a run; a `config` is only compared with the one that the run began with.

        Raises: UnknownName, WorkspaceBusy; ConfigError that shows the keys that differ.
        """
        record = workspace.catalog.run(run_id)
        if config is not None and (changes := differences(record.config, to_plain(config))):
            raise ConfigError(
                f"run {run_id} began with another config ({'; '.join(changes)}): resume it as it was, "
                "or start a new run"
            )
        with _held(workspace, f"run {run_id}") as lock:
            _dead_runs(workspace)
            run = cls(workspace, run_id, recipe=record.recipe, config=record.config, seed=record.seed)
            return run._begin(lock, Surroundings(watch=watch, sink=sink, engine=engine))

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, _error: BaseException | None, _trace: TracebackType | None
    ) -> None:
        if kind is None:
            self.finish("done")
        elif issubclass(kind, Paused):
            self.finish("paused")
        else:
            self.finish("failed" if issubclass(kind, Exception) else "killed")

    def finish(self, status: RunStatus) -> None:
        """Settle the run's status and let the workspace go."""
        with self._open:
            if status == "done":  # after the last line nobody would come back to tidy up
                remove_tree(self.folder / "checkpoints")
            self.workspace.catalog.finish_run(self.id, status)
            log.info("run finished", run=self.id, status=status)

    def stop_requested(self) -> bool:
        return self._stop.is_set() or (self.folder / "pause").exists()

    def step(
        self,
        name: str,
        function: StepFunction,
        *,
        config: Any = None,
        inputs: Mapping[str, str] | None = None,
        seed: int | None = None,
    ) -> StepResult:
        """The step's result: remembered if its key is known and its artifacts are sound, else computed.

        Raises: Paused; StepFailed for whatever the function raised, except for errors of Bloomery's own tree.
        """
        seed = self.seed if seed is None else seed
        inputs = dict(inputs or {})
        key = step_key(name, function, config=config, inputs=inputs, seed=seed)
        remembered, note = memo.recall(self.workspace, self.id, name, key)
        if remembered is not None:
            self._tell(name, 1, 1, "remembered")
            return remembered
        if self.stop_requested():
            raise Paused(f"run {self.id} paused before step '{name}'; resume it to go on")
        return self._compute(_Job(name, function, key, config, inputs, seed, note))

    def roll_back(self, result: StepResult, reason: str) -> StepResult:
        """Record that a step's result is not kept in this run; what it computed stays remembered."""
        self.workspace.catalog.finish_step(
            self.id, result.name, "rolled_back", dict(result.outputs), result.duration_s, reason
        )
        return replace(result, status="rolled_back", note=reason)

    def _tell(self, step: str, done: int, total: int, text: str) -> None:
        if self.around.watch is not None:
            self.around.watch(step, done, total, text)

    def _begin(self, lock: ExitStack, around: Surroundings) -> Self:
        environment = machine.environment()
        self.around = around
        self.folder.mkdir(parents=True, exist_ok=True)
        settings = {"recipe": self.recipe, "seed": self.seed, "config": self.config}
        write_atomically(self.folder / "config.yaml", yaml.safe_dump(settings, sort_keys=False).encode())
        write_atomically(self.folder / "environment.json", json.dumps(environment, indent=2).encode())
        (self.folder / "pause").unlink(missing_ok=True)
        self.workspace.catalog.start_run(
            self.id, recipe=self.recipe, config=self.config, seed=self.seed, environment=environment
        )
        lock.enter_context(log_to(self.folder / "log.jsonl", run=self.id))
        lock.enter_context(sigterm_sets(self._stop))
        self._open = lock.pop_all()
        return self

    def _compute(self, job: "_Job") -> StepResult:
        folder = self.folder / "checkpoints" / job.key
        context, note = self._context(job, folder)
        self.workspace.catalog.start_step(self.id, job.name, job.key)
        log.info("step started", step=job.name, memo=job.key[:12], note=note)
        self._tell(job.name, 0, 0, "")
        started = time.perf_counter()
        try:
            with full_disk_named(folder):
                job.function(context)
            outputs = memo.keep(self.workspace, job.name, context)
        except Paused:
            log.info("step paused", step=job.name)
            raise
        except Exception as error:  # edge: a step's own code; recorded as failed and raised again
            reason = _one_line(error)
            self.workspace.catalog.finish_step(
                self.id, job.name, "failed", {}, time.perf_counter() - started, reason
            )
            if isinstance(error, BloomeryError):
                raise
            log.error("step failed", step=job.name, exc_info=error)
            raise StepFailed(
                f"step '{job.name}' raised {reason}; the traceback is in {self.folder / 'log.jsonl'}, its "
                "checkpoints are kept: mend the cause and start the run again"
            ) from error
        duration_s = time.perf_counter() - started
        memo.commit(
            self.workspace, self.id, job.name, context,
            outputs=outputs, parents=job.inputs.values(), duration_s=duration_s, note=note,
        )  # fmt: skip
        remove_tree(folder)
        log.info("step done", step=job.name, duration_s=round(duration_s, 3))
        self._tell(job.name, 1, 1, "done")
        evidence = tuple(context.journal.evidence)
        return StepResult(
            name=job.name, key=job.key, outputs=outputs, memoized=False, duration_s=duration_s,
            evidence=evidence, note=note,
        )  # fmt: skip

    def _context(self, job: "_Job", folder: Path) -> tuple[StepContext, str]:
        """A context with an empty output folder, and with the checkpoint that an earlier attempt left."""
        output, checkpoint, journal = folder / "output", folder / "checkpoint", folder / "journal.jsonl"
        remove_tree(output)
        output.mkdir(parents=True)
        checkpoint.mkdir(exist_ok=True)
        resumed = any(checkpoint.iterdir())
        if not resumed:  # it begins at its beginning, and so does what it measures
            journal.unlink(missing_ok=True)
        context = StepContext(
            output=output,
            checkpoint=checkpoint,
            config=job.config,
            inputs={name: self.workspace.artifact(cid) for name, cid in job.inputs.items()},
            seed=job.seed,
            journal=Journal(journal),
            watch=partial(self._tell, job.name),
            stopping=self.stop_requested,
            engine=self.around.engine,
            sink=None if self.around.sink is None else partial(self.around.sink, job.name),
        )
        notes = [job.note, "went on from a checkpoint" if resumed else ""]
        return context, "; ".join(note for note in notes if note)


def request_pause(workspace: Workspace, run_id: str) -> None:
    """Ask a run, from any process, to stop at its next checkpoint.

    Raises: UnknownName; UserError if it is not running.
    """
    record = workspace.catalog.run(run_id)
    if record.status != "running":
        raise UserError(f"run {run_id} is {record.status}, not running: there is nothing to pause")
    (workspace.runs / run_id / "pause").touch()


@dataclass(frozen=True)
class _Job:
    """A step that has to be computed."""

    name: str
    function: StepFunction
    key: str
    config: Any
    inputs: Mapping[str, str]
    seed: int
    note: str


def _run_id() -> str:
    return f"{datetime.now(UTC):%Y%m%d-%H%M%S}-{secrets.token_hex(3)}"


def _identity(record: RunRecord) -> tuple[str, str, int]:
    return record.recipe, canonical_json(record.config), record.seed


def _dead_runs(workspace: Workspace) -> list[RunRecord]:
    """This workspace's runs that are not done. We hold its lock, so what claims to be running was killed."""
    records = [
        record
        for record in workspace.catalog.runs()
        if record.status != "done" and (workspace.runs / record.run_id).is_dir()
    ]
    for record in records:
        if record.status == "running":
            workspace.catalog.finish_run(record.run_id, "killed")
    return records


@contextmanager
def _held(workspace: Workspace, purpose: str) -> Iterator[ExitStack]:
    """The workspace's lock, let go at the end of the block unless its stack was handed on."""
    with ExitStack() as stack:
        stack.enter_context(workspace.lock(purpose))
        yield stack


def _one_line(error: Exception) -> str:
    return f"{type(error).__name__}: {' '.join(str(error).split())}".rstrip(": ")
