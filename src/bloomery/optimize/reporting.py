"""What a run of the optimizer did: what was tried, what was kept, why the others fell, what to type next."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

from bloomery.core.evidence import Evidence, State
from bloomery.optimize.methods.method import Judged
from bloomery.optimize.proposal import Goal
from bloomery.optimize.validating.verdict import Level, Verdict

Fate = Literal["kept", "accepted", "failed", "not_run"]


@dataclass(frozen=True, kw_only=True)
class Tried:
    """One proposal and what became of it.

    `kept`: a patch; `accepted`: it passed, and a better one of the same lines is kept; `failed`: a check says
    that it is wrong, or not better; `not_run`: nothing speaks against it, and a required check could not say.
    """

    path: str
    function: str | None
    proposer: str
    operator: str
    why: str
    fate: Fate
    reason: str = ""
    suggestion: str = ""
    gain: float | None = None
    patch: str | None = None
    facts: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True)
class Report:
    """`remembered`: verdicts that an earlier run had reached; `facts`: what the method says of itself."""

    method: str
    goal: Goal
    level: Level
    root: Path
    commit: str
    paths: tuple[str, ...]
    tests: Mapping[str, int]
    tried: tuple[Tried, ...]
    remembered: int
    notes: tuple[str, ...] = ()
    facts: Mapping[str, Any] = field(default_factory=dict)
    applied: tuple[str, ...] = ()

    @property
    def kept(self) -> tuple[Tried, ...]:
        return tuple(one for one in self.tried if one.fate == "kept")

    @property
    def next(self) -> str:
        """The command to type next; empty where there is nothing to do."""
        waiting = [one.patch for one in self.kept if one.patch and one.patch not in self.applied]
        if waiting:
            return f"bloomery patches apply {waiting[0]}"
        return f"bloomery rollback {self.applied[0]}" if self.applied else ""


def tried(judged: Judged, patch: str | None) -> Tried:
    proposal, verdict = judged.proposal, judged.verdict
    against = objections(verdict)
    fate: Fate = "kept" if patch else "accepted" if verdict.accepted else _fate(against)
    return Tried(
        path=", ".join(sorted(proposal.texts)),
        function=proposal.function,
        proposer=proposal.proposer,
        operator=proposal.operator,
        why=proposal.why,
        fate=fate,
        reason="; ".join(f"{one.check}: {one.reason}" for one in against[:1]) or _unsaid(verdict),
        suggestion=next((verdict.suggestions.get(one.check, "") for one in against[:1]), ""),
        gain=gain(verdict),
        patch=patch,
        facts=judged.facts,
    )


def objections(verdict: Verdict) -> Sequence[Evidence]:
    """The required checks that did not pass, those that failed before those that could not be made."""
    wrong = [one for one in verdict.evidence if one.required and one.state is not State.PASSED]
    return sorted(wrong, key=lambda one: one.state is State.NOT_RUN)


def gain(verdict: Verdict) -> float | None:
    """How many times better by the goal's own check, at least: the interval's near end where it has one.

    None where nothing of the goal was measured, or not as a ratio.
    """
    for one in verdict.evidence:
        if one.check in verdict.claims and one.measured is not None and one.unit.startswith("times"):
            near = one.interval[0] if one.interval else one.measured
            far = one.interval[1] if one.interval else one.measured
            if not one.bar.startswith("<"):
                return near
            return 1 / far if far > 0 else None
    return None


def _fate(against: Sequence[Evidence]) -> Fate:
    return "failed" if any(one.state is State.FAILED for one in against) else "not_run"


def _unsaid(verdict: Verdict) -> str:
    if not verdict.evidence:
        return "nothing was checked"
    return "" if verdict.accepted else f"{', '.join(sorted(verdict.claims))}: nothing was measured"
