"""What a verification found: the status of each equation and claim, findings, evidence, an exit code."""

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

from bloomery.core.config import to_plain
from bloomery.core.evidence import Bar, Check, Evidence, judge, not_run
from bloomery.papers.diagnostic import Diagnostic
from bloomery.papers.verifying.claims import ClaimReport

Status = Literal[
    "missing",
    "uncovered",
    "skipped",
    "failing",
    "unfailing",
    "passing",
    "mutation-tested",
    "out of scope",
]
STATUSES: tuple[Status, ...] = (
    "missing",
    "uncovered",
    "skipped",
    "failing",
    "unfailing",
    "passing",
    "mutation-tested",
    "out of scope",
)
VERIFIED: frozenset[Status] = frozenset({"passing", "mutation-tested"})
NOT_MEASURED: frozenset[Status] = frozenset({"missing", "uncovered", "skipped", "out of scope"})
PLANNED: Mapping[Status, str] = {"uncovered": "missing", "unfailing": "failing", "out of scope": "missing"}


@dataclass(frozen=True)
class CodeSeen:
    """A definition that cites an equation; `run`: a passing test of it runs this (None: not known)."""

    path: str
    line: int
    symbol: str
    run: bool | None = None

    def __str__(self) -> str:
        return f"{self.path}:{self.line}"


@dataclass(frozen=True)
class TestSeen:
    """A test of an equation, what became of it, and what it compares with."""

    __test__ = False  # pytest: no test

    node: str
    line: int
    outcome: str
    oracle: str
    reason: str = ""


@dataclass(frozen=True)
class Mutants:
    """Of one kind of change in the functions of an equation: how many its tests noticed."""

    kind: str
    killed: int
    tried: int


@dataclass(frozen=True)
class EquationReport:
    """One equation; `reason` says what the status rests on, `survivors` which changes nobody noticed."""

    paper: str
    number: str
    name: str
    status: Status
    reason: str
    code: tuple[CodeSeen, ...] = ()
    tests: tuple[TestSeen, ...] = ()
    mutants: tuple[Mutants, ...] = ()
    survivors: tuple[str, ...] = ()
    readings: tuple[str, ...] = ()
    chosen: str = ""
    why: str = ""

    @property
    def id(self) -> str:
        return f"{self.paper}:{self.number}"

    @property
    def oracles(self) -> tuple[str, ...]:
        """The kinds of the oracles that passed."""
        return tuple(dict.fromkeys(test.oracle for test in self.tests if test.outcome == "passed"))

    def evidence(self) -> Evidence:
        check = Check(
            name=f"equation {self.id}",
            bar=Bar(op=">=", value=1),
            unit="verified",
            required=self.status != "out of scope",
        )
        inputs = tuple(str(one) for one in self.code)
        how = ", ".join(test.node for test in self.tests)
        if self.status in NOT_MEASURED:
            return not_run(check, f"{self.status}: {self.reason}", inputs=inputs, how=how)
        verified = float(self.status in VERIFIED)
        return judge(check, verified, how=how, duration_s=0.0, inputs=inputs)


def _planned(one: EquationReport) -> str:
    """In a plan's words; of an equation that is not written its tests may be, and fail."""
    if one.status == "missing" and any(test.outcome in ("failed", "error") for test in one.tests):
        return "failing"
    return PLANNED.get(one.status, one.status)


@dataclass(frozen=True)
class PaperReport:
    """One paper: its equations in the order of its context, its claims in the order of its file."""

    id: str
    title: str
    equations: tuple[EquationReport, ...]
    claims: tuple[ClaimReport, ...] = ()

    def counts(self) -> dict[str, int]:
        """How many equations there are of each status, in the order of STATUSES."""
        found = Counter(one.status for one in self.equations)
        return {status: found[status] for status in STATUSES if found[status]}


@dataclass(frozen=True)
class Verified:
    """`findings` that are errors are gaps; `bad_input` could not be read; warnings decide nothing."""

    papers: tuple[PaperReport, ...]
    findings: tuple[Diagnostic, ...] = ()
    bad_input: tuple[Diagnostic, ...] = ()
    mutated: bool = True
    ended: str = ""

    @property
    def equations(self) -> tuple[EquationReport, ...]:
        return tuple(one for paper in self.papers for one in paper.equations)

    @property
    def claims(self) -> tuple[ClaimReport, ...]:
        return tuple(one for paper in self.papers for one in paper.claims)

    @property
    def evidence(self) -> tuple[Evidence, ...]:
        equations = [one.evidence() for one in self.equations]
        return (*equations, *(one.evidence() for one in self.claims))

    @property
    def gaps(self) -> tuple[str, ...]:
        """One line for each thing that is not accounted for or not verified."""
        accounted = VERIFIED | {"out of scope"}
        equations = [
            f"{one.id}: {one.status}: {one.reason}" for one in self.equations if one.status not in accounted
        ]
        claims = [f"{one.id}: {one.state}: {one.reason}" for one in self.claims if not one.accounted]
        return (*equations, *claims, *(str(one) for one in self.findings if one.severity == "error"))

    @property
    def exit_code(self) -> int:
        """0: all is accounted for and verified; 1: gaps; 2: bad input."""
        if self.bad_input:
            return 2
        return int(bool(self.gaps or self.ended))

    def states(self) -> dict[str, str]:
        """How far each equation and test is, in the words of a plan's progress."""
        found = {one.id: _planned(one) for one in self.equations}
        for one in self.equations:
            for test in one.tests:
                found[test.node] = {"passed": "passing", "skipped": "skipped"}.get(test.outcome, "failing")
        return found

    def to_plain(self) -> dict[str, Any]:
        """JSON-able: what was found, with the evidence and the exit code that follow from it."""
        derived = {
            "evidence": [one.to_plain() for one in self.evidence],
            "gaps": list(self.gaps),
            "exit_code": self.exit_code,
        }
        return {**to_plain(self), **derived}
