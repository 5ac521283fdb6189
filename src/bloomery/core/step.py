"""What a step is given, what it leaves, and the key under which its result is remembered.

A step is a function of its context. What it writes below `output` becomes artifacts; it must depend on the
config, the inputs and the seed alone: no clock, no paths, no run ids. What it measured goes into a journal
beside its checkpoints, line by line, so that a kill loses neither.
"""

import hashlib
import json
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, NamedTuple

from bloomery.core import engine, machine
from bloomery.core.bound import named
from bloomery.core.closure import code_version
from bloomery.core.config import canonical_json
from bloomery.core.engine import EngineName, Outcome
from bloomery.core.errors import BloomeryError
from bloomery.core.evidence import Evidence

Progress = Callable[[int, int, str], None]


class Paused(BloomeryError):
    """A step stopped at a checkpoint because it was asked to; it goes on from there."""

    exit_code = 0


class MetricRow(NamedTuple):
    name: str
    step: int
    value: float


class Journal:
    """Metrics and evidence, also those of earlier attempts at the step.

    The last word counts: on a metric at an index, and on a check of the same inputs.
    """

    def __init__(self, path: Path | None = None) -> None:
        self._path = path
        self._metrics: dict[tuple[str, int], float] = {}
        self._evidence: dict[tuple[str, tuple[str, ...]], Evidence] = {}
        if path is not None and path.exists():
            self._replay(path.read_text(errors="replace").splitlines())

    @property
    def metrics(self) -> list[MetricRow]:
        return [MetricRow(name, step, value) for (name, step), value in self._metrics.items()]

    @property
    def evidence(self) -> list[Evidence]:
        return list(self._evidence.values())

    def add_metric(self, name: str, value: float, step: int) -> None:
        self._metrics[name, step] = float(value)
        self._write({"metric": name, "step": step, "value": float(value)})

    def add_evidence(self, evidence: Evidence) -> None:
        self._evidence[evidence.check, evidence.inputs] = evidence
        self._write({"evidence": evidence.to_plain()})

    def _write(self, line: Mapping[str, Any]) -> None:
        if self._path is not None:
            with self._path.open("a") as file:
                file.write("\n" + json.dumps(line))  # first the newline: what a kill cut off stays alone

    def _replay(self, lines: Iterable[str]) -> None:
        for line in lines:
            try:
                entry = json.loads(line)
            except ValueError:  # empty, or cut off by a kill
                continue
            if "metric" in entry:
                self._metrics[entry["metric"], entry["step"]] = entry["value"]
            else:
                evidence = Evidence.from_plain(entry["evidence"])
                self._evidence[evidence.check, evidence.inputs] = evidence


def nobody_watches(_done: int, _total: int, _text: str) -> None:
    """Progress that nobody watches."""


def _never() -> bool:
    return False


@dataclass(kw_only=True)
class StepContext:
    """What a step's function is given.

    `inputs` are verified and read-only; each top-level entry of `output` becomes an artifact named by its
    stem; `checkpoint` survives a kill and is removed when the step is done; `facts` (JSON-able) are kept with
    the step's artifacts, `kinds` names an artifact's kind where it is not its name.
    """

    output: Path
    checkpoint: Path
    config: Any = None
    inputs: Mapping[str, Path] = field(default_factory=dict)
    seed: int = 0
    facts: dict[str, Any] = field(default_factory=dict)
    kinds: dict[str, str] = field(default_factory=dict)
    journal: Journal = field(default_factory=Journal)
    watch: Progress = nobody_watches
    stopping: Callable[[], bool] = _never
    engine: EngineName = "inline"
    sink: Callable[[str, float, int], None] | None = None

    def metric(self, name: str, value: float, step: int) -> None:
        """Record one point of a curve; `step` counts work (optimizer steps, tokens), never time."""
        self.journal.add_metric(name, value, step)
        if self.sink is not None:
            self.sink(name, value, step)

    def map(self, function: Callable[[Any], Any], candidates: Mapping[str, Any]) -> list[Outcome]:
        """`function` of each candidate on the run's engine; the results are the same on each."""
        return engine.map(function, candidates, engine=self.engine, progress=self.progress)

    def evidence(self, evidence: Evidence) -> None:
        self.journal.add_evidence(evidence)

    def progress(self, done: int, total: int, text: str = "") -> None:
        self.watch(done, total, text)

    def stop_requested(self) -> bool:
        """Whether to write a checkpoint and raise Paused."""
        return self.stopping()


@dataclass(frozen=True, kw_only=True)
class StepResult:
    """What became of a step; `note` says why it was computed again or from where it was taken."""

    name: str
    key: str
    outputs: Mapping[str, str]
    memoized: bool
    duration_s: float
    evidence: tuple[Evidence, ...] = ()
    status: str = "done"
    note: str = ""


def step_key(
    name: str,
    function: Callable[[StepContext], None],
    *,
    config: Any = None,
    inputs: Mapping[str, str] | None = None,
    seed: int = 0,
) -> str:
    """The hash of everything that a step's result may depend on."""
    parts = {
        "name": name,
        "function": named(function),
        "code": code_version(function),
        "config": config,
        "inputs": dict(inputs or {}),
        "seed": seed,
        "threads": machine.threads(),
        "processor": machine.processor(),
    }
    return hashlib.sha256(canonical_json(parts).encode()).hexdigest()
