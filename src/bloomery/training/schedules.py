"""Learning-rate schedules and curricula as functions of the optimizer step: nothing to save or to drift.

A schedule gives the factor that multiplies each parameter group's own learning rate. A curriculum gives
a whole number (a sequence length, a recursion depth). Step 0 is the first optimizer step.
"""

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

Schedule = Callable[[int], float]
Curriculum = Callable[[int], int]
Prepare = Callable[[Any, int], Any]


def constant() -> Schedule:
    """The factor 1 at every step."""
    return lambda step: 1.0


def linear(steps: int, *, final: float = 0.0) -> Schedule:
    """A straight line from 1 at step 0 to `final` at step `steps` and after it."""
    return lambda step: 1.0 + (final - 1.0) * _fraction(step, steps)


def stepped(every: int, *, factor: float = 0.1) -> Schedule:
    """Multiplies by `factor` after each `every` steps."""
    if every < 1:
        raise ValueError(f"a stepped schedule needs every >= 1, got {every}")
    return lambda step: factor ** (step // every)


def cosine(steps: int, *, final: float = 0.0) -> Schedule:
    """Half a cosine from 1 at step 0 to `final` at step `steps` and after it."""
    return lambda step: final + (1.0 - final) * 0.5 * (1.0 + math.cos(math.pi * _fraction(step, steps)))


def warm_up(schedule: Schedule, steps: int) -> Schedule:
    """Rises linearly over `steps` steps, moving from the first, then follows `schedule` from its step 0."""
    return lambda step: (step + 1) / (steps + 1) if step < steps else schedule(step - steps)


@dataclass(frozen=True, kw_only=True)
class ScheduleConfig:
    """How the learning rate moves; the decay spans what is left of the run after the warm-up."""

    kind: Literal["constant", "linear", "step", "cosine"] = field(
        default="cosine", metadata={"help": "shape of the decay"}
    )
    warmup_steps: int = field(default=0, metadata={"help": "optimizer steps of linear rise", "low": 0})
    final: float = field(
        default=0.0, metadata={"help": "factor at the end (linear, cosine)", "low": 0.0, "high": 1.0}
    )
    every: int = field(default=1000, metadata={"help": "optimizer steps between drops (step)", "low": 1})
    factor: float = field(default=0.1, metadata={"help": "what a drop multiplies by (step)", "low": 0.0})


def build_schedule(config: ScheduleConfig, steps: int) -> Schedule:
    """The schedule of a run of `steps` optimizer steps."""
    if config.warmup_steps >= steps:
        raise ValueError(f"warmup_steps = {config.warmup_steps} leaves nothing of a run of {steps} steps")
    decay = steps - config.warmup_steps
    kinds: dict[str, Schedule] = {
        "constant": constant(),
        "linear": linear(decay, final=config.final),
        "step": stepped(config.every, factor=config.factor),
        "cosine": cosine(decay, final=config.final),
    }
    return warm_up(kinds[config.kind], config.warmup_steps)


def staircase(levels: Mapping[int, int]) -> Curriculum:
    """A curriculum that holds each value from its step on: `{0: 512, 10_000: 1024, 50_000: 2048}`."""
    starts = sorted(levels)
    if not starts or starts[0] != 0:
        raise ValueError(f"a staircase begins at step 0, got the steps {starts}")
    return lambda step: levels[max(start for start in starts if start <= step)]


def ramp(start: int, end: int, steps: int, *, multiple_of: int = 1) -> Curriculum:
    """A curriculum that goes from `start` to `end` over `steps` steps in multiples of `multiple_of`."""

    def value(step: int) -> int:
        exact = start + (end - start) * _fraction(step, steps)
        return end if step >= steps else max(1, round(exact / multiple_of)) * multiple_of

    return value


def curricula(
    *, sequence_length: Curriculum | None = None, recursion_steps: Curriculum | None = None
) -> Prepare:
    """A `prepare` for `train`: cuts each batch to the step's length and names the step's recursion depth.

    Shapes: every (B, T, ...) tensor of the batch becomes (B, min(T, length), ...).
    """

    def prepare(batch: dict[str, Any], step: int) -> dict[str, Any]:
        prepared = dict(batch)
        if sequence_length is not None:
            length = sequence_length(step)
            prepared = {k: v[:, :length] if getattr(v, "ndim", 0) > 1 else v for k, v in prepared.items()}
        if recursion_steps is not None:
            prepared["recursion_steps"] = recursion_steps(step)
        return prepared

    return prepare


def _fraction(step: int, steps: int) -> float:
    return 1.0 if steps <= 0 else min(max(step / steps, 0.0), 1.0)
