"""Test-driven: which tests reach what, what is slow or fails in them, proposals there until they pass."""

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any

from bloomery.optimize.methods.method import Bench, Judged
from bloomery.optimize.proposal import Proposal
from bloomery.optimize.reporting import holds
from bloomery.optimize.surveying import Survey, survey
from bloomery.source.covering import body_lines
from bloomery.source.python import Parsed, functions, parse, parse_text

MOST_TOLD = 5


@dataclass(frozen=True)
class Reached:
    """A function, the tests that run it, the seconds that these take, its lines that none of them runs."""

    path: str
    name: str
    tests: tuple[str, ...]
    seconds: float
    missed: frozenset[int]
    failing: int

    @property
    def urgency(self) -> tuple[float, ...]:
        """What fails goes first, then what the slowest tests run, then what no test runs."""
        return (-self.failing, not self.tests, -self.seconds)


@dataclass
class TestDriven:
    """Tests first: they say where to look, and every proposal has to pass them."""

    __test__ = False  # no test class, whatever its name says

    name: str = "test-driven"
    facts: dict[str, Any] = field(default_factory=dict)

    def improve(self, bench: Bench) -> Iterator[Judged]:
        found = reached(bench.survey, [parse(bench.task.root / path) for path in bench.task.paths], bench)
        self._tell(bench, found)
        kept: list[Judged] = []
        for proposal in _in_order(bench, found):
            verdict = bench.validate(proposal)
            judged = Judged(proposal, verdict, _facts(proposal, found))
            kept += [judged] if holds(verdict) else []
            yield judged
            if holds(verdict) and bench.task.goal == "fix":
                break  # the tests pass: what follows would be other ways to the same
        self._measure_again(bench, kept)

    def _tell(self, bench: Bench, found: Sequence[Reached]) -> None:
        """What the tests reach, and where they are blind."""
        blind = [one for one in found if one.missed]
        self.facts["functions"] = len(found)
        self.facts["functions without a test"] = sum(not one.tests for one in found)
        self.facts["coverage before"] = coverage(bench.survey, bench)
        self.facts["functions with lines that no test runs"] = len(blind)
        if blind:
            names = ", ".join(one.name for one in blind[:MOST_TOLD])
            self.facts["tests written first"] = 0
            bench.say("blind spots", functions=len(blind), first=names)

    def _measure_again(self, bench: Bench, kept: Sequence[Judged]) -> None:
        """The lines that the tests run with what was accepted in place."""
        if not kept or not bench.survey.tests:
            return
        first = kept[0].proposal
        after = survey(bench.task.root, bench.survey.tests, bench.task.paths, texts=first.texts)
        self.facts["coverage after"] = coverage(after, bench, first.texts)
        self.facts["tests that pass after"] = len(after.passing)


def reached(seen: Survey, files: Sequence[Parsed], bench: Bench) -> list[Reached]:
    """The functions of the target files, the most urgent first."""
    seconds = {one.node: one.duration_s for one in seen.results.outcomes}
    wrong = {one.node for one in seen.failing}
    found = []
    for path, parsed in zip(bench.task.paths, files, strict=True):
        for name in functions(parsed.tree):
            with suppress(LookupError):  # a function in a branch that is never compiled
                tests = seen.covered.tests(parsed, name)
                took = sum(seconds.get(test, 0.0) for test in tests)
                missed = seen.covered.missed(parsed, name)
                failing = len(wrong & set(tests))
                found.append(Reached(path, name, tests, took, missed, failing))
    return sorted(found, key=lambda one: one.urgency)


def coverage(seen: Survey, bench: Bench, texts: Mapping[str, str] | None = None) -> float | None:
    """The share of the lines of the target's functions that some test runs; None without functions."""
    ran = wanted = 0
    for path in bench.task.paths:
        file = bench.task.root / path
        parsed = parse_text(texts[path], file) if texts and path in texts else parse(file)
        for name in functions(parsed.tree):
            with suppress(LookupError):
                lines, missed = _lines(seen, parsed, name)
                wanted += lines
                ran += lines - missed
    return ran / wanted if wanted else None


def _lines(seen: Survey, parsed: Parsed, name: str) -> tuple[int, int]:
    return len(body_lines(parsed, name)), len(seen.covered.missed(parsed, name))


def _in_order(bench: Bench, found: Sequence[Reached]) -> Iterator[Proposal]:
    """Proposals file by file, those for urgent functions first."""
    place = {(one.path, one.name): at for at, one in enumerate(found)}
    by_path: dict[str, int] = defaultdict(lambda: len(found))
    for one in found:
        by_path[one.path] = min(by_path[one.path], place[one.path, one.name])
    for path in sorted(bench.task.paths, key=lambda path: by_path[path]):
        ranked = [
            (place.get((path, one.function or ""), len(found)), at, one)
            for at, one in enumerate(bench.propose(path=path))
        ]
        yield from (one for _, _, one in sorted(ranked, key=lambda row: row[:2]))


def _facts(proposal: Proposal, found: Sequence[Reached]) -> dict[str, Any]:
    for one in found:
        if one.name == proposal.function and one.path in proposal.texts:
            return {"tests that run it": len(one.tests), "lines that none runs": len(one.missed)}
    return {}
