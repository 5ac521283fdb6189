"""What a stage of the forge is: its contract, declared once, in the file that does its work."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from bloomery.core.evidence import Check
from bloomery.core.run import Run, StepFunction
from bloomery.core.step import StepContext, StepResult


@dataclass(frozen=True, kw_only=True)
class Port:
    """An artifact that a stage takes or gives."""

    name: str
    meaning: str
    kind: str = "model"
    optional: bool = False


def given(port: str) -> str:
    """The name under which a consumer sees what the stage was given, beside the outputs."""
    return f"given {port}"


@dataclass(frozen=True, kw_only=True)
class Metric:
    """A curve or a table that a stage leaves; `over` is what its index counts."""

    name: str
    over: str
    meaning: str


@dataclass(frozen=True, kw_only=True)
class Estimate:
    """What a part of a stage will cost, from a few measured steps of it.

    `steps` counts `unit`; `tokens` are those of the stage's `work`. With a `bound` it is the most that the
    part can take, reached where that is so.
    """

    part: str
    steps: int
    tokens: int
    step_s: float
    peak_bytes: int
    unit: str = "optimizer steps"
    bound: str = ""

    @property
    def total_s(self) -> float:
        return self.steps * self.step_s


@dataclass(frozen=True, kw_only=True)
class StageRun:
    """A stage at work: steps are remembered under the stage's name."""

    run: Run
    stage: str
    config: Any
    inputs: Mapping[str, str]

    def step(
        self,
        name: str,
        function: StepFunction,
        *,
        config: Any = None,
        inputs: Mapping[str, str] | None = None,
        seed: int | None = None,
    ) -> StepResult:
        return self.run.step(f"{self.stage}.{name}", function, config=config, inputs=inputs, seed=seed)


@dataclass(frozen=True, kw_only=True)
class Stage:
    """One of the forge's stages.

    `forge` makes the outputs (port name -> CID) in remembered steps. `measure` and `clock` are steps of the
    consumer: they get the outputs from disk, beside them what the stage was given (under `given(port)`), and
    give evidence. What `measure` finds must be the same on an idle and on a loaded machine, and it alone
    decides; `clock` measures times and memory, which are reported. `work` says how much each step has to do,
    in tokens, for the time left; `data` what it trains on, in words; `estimate` what its dear steps take, by
    its config and those of all stages of the recipe by name (what it is given is another stage's work).

    A config with fields `mixture` and `exam` gets the recipe's, which all stages share: no example that chose
    in one measures in another.
    """

    name: str
    summary: str
    source: str
    config: type
    inputs: tuple[Port, ...]
    outputs: tuple[Port, ...]
    metrics: tuple[Metric, ...]
    checks: Callable[[Any], Sequence[Check]]
    forge: Callable[[StageRun], Mapping[str, str]]
    measure: Callable[[StepContext], None]
    clock: Callable[[StepContext], None]
    work: Callable[[Any], Mapping[str, int]]
    data: Callable[[Any], str]
    estimate: Callable[[Any, Mapping[str, Any]], Sequence[Estimate]]
