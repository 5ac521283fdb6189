"""What an adaptation reports: each round, and at its end the base, the adapted model and the control."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any

from .budget import Spent
from .intervals import Gain
from .judging import Forgetting


@dataclass(frozen=True, kw_only=True)
class Round:
    """What a round did and what became of it. `gain` and `unit_gain` are by the judges, `rewards` are what
    candidates were selected by: the mean of all and of those chosen.
    """

    number: int
    strategy: int
    named: str
    kept: bool
    reason: str
    gain: Gain | None
    unit_gain: float
    forgetting: Mapping[str, Forgetting]
    rewards: Mapping[str, tuple[float, float | None]]  # None where nothing was chosen
    new: int
    fit: float  # share of candidates that the discriminator let through; 1 where there is none
    buffer: Mapping[str, int]
    remembered: int
    explore: float
    rate: float
    passes: int
    taught: int  # examples that the net was fine-tuned on
    controlled: int  # examples of the control, in the same steps

    def to_plain(self) -> dict[str, Any]:
        return asdict(self)

    @classmethod
    def from_plain(cls, told: Mapping[str, Any]) -> "Round":
        values = dict(told)
        values["gain"] = None if told["gain"] is None else Gain(**told["gain"])
        values["forgetting"] = _forgetting(told["forgetting"])
        values["rewards"] = {name: tuple(pair) for name, pair in told["rewards"].items()}
        return cls(**values)


@dataclass(frozen=True, kw_only=True)
class Report:
    """How it ended, on noise that decided nothing: the same for every run of a seed.

    `base`, `adapted` and `control` are means by task of the judges' rewards; the control saw the same number
    of steps on real data only. `gain` and `control_gain` are over the base, `over_control` is the adapted
    model's over the control's: where that interval holds 0, adaptation did nothing that more training does
    not. `old` is the change of old tasks.
    """

    stopped: str
    rounds: tuple[Round, ...]
    base: Mapping[str, float]
    adapted: Mapping[str, float]
    control: Mapping[str, float]
    gain: Gain
    control_gain: Gain
    over_control: Gain
    old: Mapping[str, Forgetting]
    taught: int
    controlled: int
    spent: Spent
    means: Mapping[str, float | None] = field(default_factory=dict)  # of each strategy, by the bandit

    @property
    def kept(self) -> int:
        return sum(round.kept for round in self.rounds)

    def to_plain(self) -> dict[str, Any]:
        """JSON-able."""
        return asdict(self)

    @classmethod
    def from_plain(cls, told: Mapping[str, Any]) -> "Report":
        values = dict(told)
        values["rounds"] = tuple(Round.from_plain(one) for one in told["rounds"])
        for name in ("gain", "control_gain", "over_control"):
            values[name] = Gain(**told[name])
        values["old"], values["spent"] = _forgetting(told["old"]), Spent(**told["spent"])
        return cls(**values)


def _forgetting(told: Mapping[str, Any]) -> dict[str, Forgetting]:
    return {name: Forgetting(Gain(**one["change"]), one["allowed"]) for name, one in told.items()}


def table(reports: Mapping[str, Report]) -> list[str]:
    """Strategies side by side, a line each."""
    width = max(len(name) for name in (*reports, "strategy"))
    head = f"{'strategy':{width}}  kept  gain over base             over equal steps of data   passes"
    lines = [head]
    for name, report in reports.items():
        kept = f"{report.kept}/{len(report.rounds)}"
        gains = f"{told(report.gain):25}  {told(report.over_control):25}"
        lines.append(f"{name:{width}}  {kept:4}  {gains}  {report.spent.total}")
    return lines


def told(gain: Gain) -> str:
    return f"{gain.mean:+.4g} [{gain.low:+.4g}, {gain.high:+.4g}]"
