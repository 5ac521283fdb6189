"""What was measured, against which bar, and whether that is enough to keep a result.

A check is the question, evidence its answer. An answer has three states, never two: what could not be
measured here is `not_run`, and `not_run` never opens a gate.
"""

import math
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from enum import StrEnum
from functools import partial
from typing import Any, Literal, Self, get_args

from bloomery.core.errors import CapabilityMissing

Op = Literal["<", "<=", ">", ">=", "=="]


class State(StrEnum):
    PASSED = "passed"
    FAILED = "failed"
    NOT_RUN = "not_run"


@dataclass(frozen=True, kw_only=True)
class Bar:
    """What a measured value must satisfy, e.g. `>= 0.9`."""

    op: Op
    value: float

    def __post_init__(self) -> None:
        if self.op not in get_args(Op):
            raise ValueError(f"a bar's op is one of {', '.join(get_args(Op))}; got {self.op!r}")
        if math.isnan(self.value):
            raise ValueError("a bar of nan can never be met")
        object.__setattr__(self, "value", float(self.value))  # a numpy scalar prints its type

    @classmethod
    def parse(cls, text: str) -> Self:
        """The inverse of `str(bar)`."""
        op, _, value = text.strip().partition(" ")
        return cls(op=op, value=float(value))  # type: ignore[arg-type]  # checked in __post_init__

    def holds(self, measured: float) -> bool:
        """Whether `measured` meets the bar; nan meets none."""
        match self.op:
            case "<":
                return measured < self.value
            case "<=":
                return measured <= self.value
            case ">":
                return measured > self.value
            case ">=":
                return measured >= self.value
            case "==":
                return measured == self.value

    def __str__(self) -> str:
        return f"{self.op} {self.value!r}".removesuffix(".0")


@dataclass(frozen=True, kw_only=True)
class Check:
    """A named measurement with a bar. One that is not `required` is reported and decides nothing
    (everything that is measured with a clock belongs there)."""

    name: str
    bar: Bar
    unit: str = ""
    meaning: str = ""
    required: bool = True


@dataclass(frozen=True, kw_only=True)
class Measured:
    """A value with what is known about it: its interval, a baseline it was measured beside, chance level."""

    value: float
    interval: tuple[float, float] | None = None
    baseline: float | None = None
    chance: float | None = None


@dataclass(frozen=True, kw_only=True)
class Evidence:
    """The outcome of one check.

    Raises: ValueError for a state that its own figures contradict, so that no caller can claim a pass.
    """

    check: str
    state: State
    bar: str
    measured: float | None = None
    unit: str = ""
    interval: tuple[float, float] | None = None
    baseline: float | None = None
    chance: float | None = None
    how: str = ""
    duration_s: float = 0.0
    inputs: tuple[str, ...] = ()
    reason: str = ""
    required: bool = True

    def __post_init__(self) -> None:
        normalise = partial(object.__setattr__, self)
        normalise("state", State(self.state))
        normalise("inputs", tuple(self.inputs))
        normalise("interval", None if self.interval is None else tuple(self.interval))
        holds = self.measured is not None and Bar.parse(self.bar).holds(self.measured)
        if (self.state is State.PASSED) != holds:
            raise ValueError(f"{self.check}: state {self.state}, but {self.measured} against {self.bar}")
        if self.state is State.NOT_RUN and (self.measured is not None or not self.reason):
            raise ValueError(f"{self.check}: what was not run has no measured value and says why")

    def to_plain(self) -> dict[str, Any]:
        """JSON-able; `from_plain` is the inverse."""
        return asdict(self) | {"state": str(self.state)}

    @classmethod
    def from_plain(cls, values: Mapping[str, Any]) -> Self:
        return cls(**values)


def measure(
    check: Check,
    fn: Callable[[], float | Measured],
    *,
    inputs: Iterable[str] = (),
    how: str | None = None,
) -> Evidence:
    """Call `fn` and judge what it measured; a missing capability is `not_run`, other exceptions propagate."""
    started = time.perf_counter()
    try:
        result = fn()
    except CapabilityMissing as missing:
        return not_run(check, str(missing) or "a capability is missing", inputs=inputs, how=how or _named(fn))
    duration_s = time.perf_counter() - started
    return judge(check, result, how=how or _named(fn), duration_s=duration_s, inputs=inputs)


def not_run(check: Check, reason: str, *, inputs: Iterable[str] = (), how: str = "") -> Evidence:
    """Evidence that nothing was measured, and why."""
    return Evidence(
        check=check.name, state=State.NOT_RUN, bar=str(check.bar), unit=check.unit, how=how,
        inputs=tuple(inputs), reason=reason, required=check.required,
    )  # fmt: skip


@dataclass(frozen=True)
class Verdict:
    """Whether a gate opens; `reasons` holds one line for each check that keeps it shut."""

    passed: bool
    reasons: tuple[str, ...]


def gate(evidence: Sequence[Evidence], checks: Sequence[Check]) -> Verdict:
    """Open only if every required check has evidence, all of which passes at the check's own bar."""
    reasons = [
        reason
        for check in checks
        if check.required
        for reason in _objections(check, [item for item in evidence if item.check == check.name])
    ]
    return Verdict(passed=not reasons, reasons=tuple(reasons))


def _objections(check: Check, evidence: Sequence[Evidence]) -> Iterable[str]:
    if not evidence:
        yield f"{check.name}: no evidence, {check.bar} is required"
    for item in evidence:
        if item.state is State.NOT_RUN:
            yield f"{check.name}: not run ({item.reason}), {check.bar} is required"
        elif item.measured is None or not check.bar.holds(item.measured):
            yield f"{check.name}: measured {item.measured}, {check.bar} is required"


def judge(
    check: Check, result: float | Measured, *, how: str, duration_s: float, inputs: Iterable[str] = ()
) -> Evidence:
    """Evidence from what was measured together with other things, in `duration_s` seconds."""
    measured = result if isinstance(result, Measured) else Measured(value=float(result))
    passed = check.bar.holds(measured.value)
    return Evidence(
        check=check.name,
        state=State.PASSED if passed else State.FAILED,
        bar=str(check.bar),
        measured=float(measured.value),
        unit=check.unit,
        interval=measured.interval,
        baseline=measured.baseline,
        chance=measured.chance,
        how=how,
        duration_s=duration_s,
        inputs=tuple(inputs),
        reason="" if passed else f"measured {measured.value:.6g}, the bar is {check.bar}",
        required=check.required,
    )


def _named(fn: Callable[..., Any]) -> str:
    """The qualified name of a function, looking through functools.partial."""
    while isinstance(fn, partial):
        fn = fn.func
    owner = getattr(fn, "__module__", "") or type(fn).__module__
    return f"{owner}.{getattr(fn, '__qualname__', type(fn).__qualname__)}"
