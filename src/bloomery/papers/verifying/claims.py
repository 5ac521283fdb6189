"""What a paper claims against what was measured here: how far apart, and whether that counts."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal

from bloomery.core.evidence import Bar, Check, Evidence, Measured, judge, not_run
from bloomery.papers.verifying.claim import Claim, Direction
from bloomery.papers.verifying.results import Result

Band = Literal["match", "close", "stretch", "success", "better", "deviation", "not run"]
LIMITS: tuple[tuple[Band, float], ...] = (
    ("match", 0.01),
    ("close", 0.03),
    ("stretch", 0.05),
    ("success", 0.10),
)
ORDER: tuple[Band, ...] = ("match", "better", "close", "stretch", "success", "deviation", "not run")
DIGITS = 12  # a deviation is rounded to these: 1.01 of 1 is 1 %


def deviation(claimed: float, measured: float) -> float:
    """|measured - claimed| / |claimed|; of a claimed 0 the absolute one."""
    return round(abs(measured - claimed) / (abs(claimed) or 1.0), DIGITS)


def shortfall(claimed: float, measured: float, direction: Direction) -> float:
    """The deviation where it is to the worse, else 0."""
    better = measured > claimed if direction == "higher" else measured < claimed
    return 0.0 if better else deviation(claimed, measured)


def band(claimed: float, measured: float, direction: Direction) -> Band:
    """How near: `match` within 1 % to either side; beyond, the good side is `better`."""
    far = deviation(claimed, measured)
    if far <= LIMITS[0][1]:
        return "match"
    if shortfall(claimed, measured, direction) == 0:
        return "better"
    return next((name for name, limit in LIMITS if far <= limit), "deviation")


@dataclass(frozen=True)
class PointReport:
    """A point of a claimed curve and what was measured there; `interval` is the range over the repeats."""

    at: float
    claimed: float
    measured: float | None
    band: Band
    interval: tuple[float, float] | None = None


@dataclass(frozen=True)
class ClaimReport:
    """One claim; `shortfall` is the relative deviation to the worse, of a curve that of its worst point.

    `stale`: measured with code that has changed since, or against another statement of the claim.
    """

    paper: str
    name: str
    claim: Claim
    band: Band
    measured: float | None = None
    deviation: float | None = None
    shortfall: float | None = None
    points: tuple[PointReport, ...] = ()
    stale: str = ""
    reason: str = ""
    result: Result | None = None

    @property
    def id(self) -> str:
        return f"{self.paper}/{self.name}"

    @property
    def state(self) -> str:
        return "stale" if self.stale else self.band

    @property
    def within(self) -> bool:
        """Measured with the code as it is, and not worse than the claim by more than its tolerance."""
        return not self.stale and self.shortfall is not None and self.shortfall <= self.claim.tolerance

    @property
    def reproduced(self) -> bool:
        """Within the claim's tolerance at the paper's scale; at ours the number is a yardstick only."""
        return self.within and self.claim.scale == "paper"

    @property
    def accounted(self) -> bool:
        """Whether it is reproduced or stated as not reproduced: a number that is not stale, or a reason."""
        return not self.stale and (self.band != "not run" or bool(self.claim.not_reproduced or self.result))

    def evidence(self) -> Evidence:
        """The shortfall against the tolerance; it decides nothing: stated deviations are accounted for."""
        check = Check(
            name=f"claim {self.id}",
            bar=Bar(op="<=", value=self.claim.tolerance),
            unit="of the claim",
            meaning=f"{self.claim.metric}, {self.claim.source}",
            required=False,
        )
        how = self.result.command if self.result else ""
        if self.stale or self.shortfall is None:
            return not_run(check, self.stale or self.reason, how=how)
        measured = Measured(value=self.shortfall)
        return judge(check, measured, how=how, duration_s=self.result.duration_s if self.result else 0.0)


def compare(paper: str, claim: Claim, result: Result | None, stale: str = "") -> ClaimReport:
    """A claim against its result."""
    if result is None or result.state == "not run":
        reason = result.reason if result else claim.not_reproduced or _nothing(claim)
        return ClaimReport(paper, claim.id, claim, "not run", reason=reason, result=result)
    pairs = [] if claim.value is None else [(claim.value, result.value)]
    points = _points(claim, result)
    pairs += [(point.claimed, point.measured) for point in points]
    known = [(claimed, measured) for claimed, measured in pairs if measured is not None]
    if len(known) < len(pairs):
        missing = ["the value"] * (claim.value is not None and result.value is None)
        missing += [f"the point at {point.at:g}" for point in points if point.measured is None]
        reason = f"the result lacks {', '.join(missing)}"
        return ClaimReport(paper, claim.id, claim, "not run", points=points, reason=reason, result=None)
    bands = [band(claimed, measured, claim.direction) for claimed, measured in known]
    return ClaimReport(
        paper,
        claim.id,
        claim,
        max(bands, key=ORDER.index),
        measured=result.value,
        deviation=max(deviation(*pair) for pair in known),
        shortfall=max(shortfall(*pair, claim.direction) for pair in known),
        points=points,
        stale=stale,
        reason=stale,
        result=result,
    )


def exit_code(claims: Iterable[ClaimReport]) -> int:
    """0 where each claim is reproduced, within its yardstick, or stated as not reproduced, else 1."""
    return int(not all(one.within or one.claim.not_reproduced for one in claims))


def _points(claim: Claim, result: Result) -> tuple[PointReport, ...]:
    means, repeats = dict(result.curve), [dict(curve) for curve in result.curves]
    found = []
    for one in claim.curve:
        mean, there = means.get(one.at), [curve[one.at] for curve in repeats if one.at in curve]
        near: Band = "not run" if mean is None else band(one.value, mean, claim.direction)
        span = (min(there), max(there)) if len(there) > 1 else None
        found.append(PointReport(one.at, one.value, mean, near, span))
    return tuple(found)


def _nothing(claim: Claim) -> str:
    said = "nobody has run its command" if claim.command else "no command measures it"
    return f"{said}; run `bloomery paper bench`, or say not_reproduced: why"
