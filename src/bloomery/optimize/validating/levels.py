"""Which checks there are, which of them a level requires, and what a goal changes about that.

Each level requires what the one before it does, and more:
- basic: the change keeps to files that its goal may change, parses, and means the same as the original;
- standard: no error of types is added, and no existing test that passed fails, where there are tests;
- strict: some test must touch the change; nothing is added that the linters for style and security object to,
  and it is not slower;
- paranoid: generated tests pass, it needs no more memory, every test runs again rather than being remembered,
  the repository has no other uncommitted changes, and equivalence is looked at in all circumstances.

What a goal requires beside, at every level:
- speed: it is faster. memory: it needs less.
- fix: the tests that failed pass. Behaviour must change, so equivalence is not asked for.
- robustness: under injected faults something that broke no longer does, and nothing newly does. Equivalence
  is measured and reported, since behaviour under faults must change.
- security: bandit finds less than before, and nothing new. Equivalence is measured and reported.
- coverage: only tests are changed, lines are run that no test ran before, and the tests' checks notice at
  least one wrong version of them.
For the last four, existing tests are required at every level, and speed and memory are not, since the two
versions may do different things.
"""

from dataclasses import replace

from bloomery.core.evidence import Bar, Check
from bloomery.optimize import equivalence
from bloomery.optimize.proposal import Goal
from bloomery.optimize.validating.verdict import LEVELS, Level

NONE = Bar(op="==", value=0)


def _none(name: str, unit: str, meaning: str) -> Check:
    return Check(name=name, bar=NONE, unit=unit, meaning=meaning)


JUDGES = _none("judges", "files", "changed files that decide about changes: tests, settings")
SYNTAX = _none("syntax", "faults", "places that do not parse")
CLEAN = _none("tree", "files", "other files with uncommitted changes, which were not validated")
STYLE = _none("style", "findings", "what ruff objects to and did not before")
SECURITY = _none("security", "findings", "what bandit objects to and did not before")
FLOW = _none("security.flow", "findings", "what CodeQL objects to and did not before")
TYPES = _none("types", "errors", "errors of types that were not there before")
TOUCHED = _none("tests.touched", "tests", "tests that touch the change, passed before, and do not now")
ALL = _none("tests.all", "tests", "tests that passed before and do not now")
GENERATED = _none("tests.generated", "tests", "generated tests that pass on the original and not on this")
SLOWER = Check(name="performance", bar=NONE, unit="", meaning="whether it is slower than the original")
LARGER = Check(name="memory", bar=NONE, unit="", meaning="whether it needs more memory than the original")
UNTOLD, REACH, SAME = equivalence.CHECKS
EQUIVALENCE = (UNTOLD, REACH, SAME)

FASTER = Check(name="faster", bar=Bar(op=">", value=1), unit="times", meaning="how many times as fast")
SMALLER = Check(name="smaller", bar=Bar(op=">", value=1), unit="times", meaning="how many times less memory")
FAULTS = _none("faults", "weaknesses", "what breaks under injected faults and did not before")
STURDIER = Check(name="sturdier", bar=Bar(op=">=", value=1), unit="weaknesses", meaning="what breaks no more")
FIXED = _none("fixed", "tests", "tests that failed before and still do")
SAFER = Check(name="safer", bar=Bar(op=">=", value=1), unit="findings", meaning="what bandit no longer finds")
COVERED = Check(
    name="covered",
    bar=Bar(op=">=", value=1),
    unit="lines",
    meaning="lines that no test ran before, where a check of the tests notices a wrong version of them",
)

CHECKS = (
    *(JUDGES, SYNTAX, CLEAN, STYLE, SECURITY, FLOW, TOUCHED, TYPES, *EQUIVALENCE, ALL, GENERATED),
    *(SLOWER, LARGER, FAULTS),
)
CLAIMS: dict[Goal, Check] = {
    "speed": FASTER,
    "memory": SMALLER,
    "fix": FIXED,
    "robustness": STURDIER,
    "security": SAFER,
    "coverage": COVERED,
}
_ADDED: dict[Level, tuple[Check, ...]] = {
    "basic": (JUDGES, SYNTAX, *EQUIVALENCE),
    "standard": (TYPES, TOUCHED, ALL),
    "strict": (STYLE, SECURITY, SLOWER),
    "paranoid": (GENERATED, LARGER, CLEAN),
}
_BESIDE: dict[Goal, tuple[Check, ...]] = {"robustness": (FAULTS,), "security": (SECURITY,)}
BEHAVIOUR_CHANGES: tuple[Goal, ...] = ("fix", "robustness", "security", "coverage")


def required(level: Level, goal: Goal) -> frozenset[str]:
    """The names of the checks that must pass."""
    levels = LEVELS[: LEVELS.index(level) + 1]
    names = {check.name for one in levels for check in _ADDED[one]}
    if goal in BEHAVIOUR_CHANGES:
        names -= {check.name for check in (*EQUIVALENCE, SLOWER, LARGER)}
        names |= {TOUCHED.name, ALL.name}
    return frozenset(names | {check.name for check in _BESIDE.get(goal, ())})


def asked(check: Check, level: Level, goal: Goal) -> Check:
    """The check as the level asks for it."""
    return replace(check, required=check.name in required(level, goal))


def is_measured(check: Check, level: Level, goal: Goal) -> bool:
    """Whether a check is made at a level: what it requires, and what is reported beside."""
    if check in EQUIVALENCE:
        return goal not in ("fix", "coverage")
    reported = {"basic": (), "standard": (CLEAN,), "strict": (CLEAN, FLOW), "paranoid": (FLOW,)}[level]
    return check.name in required(level, goal) or check in reported
