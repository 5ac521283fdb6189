"""Test-driven: tests say where to look, are written where they are blind, and judge what is proposed."""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field, replace
from typing import Any

from bloomery.optimize.asking import MODELS
from bloomery.optimize.methods.method import Bench, Judged
from bloomery.optimize.methods.telling import failing, measured, source_of
from bloomery.optimize.methods.writing import Written, for_blind_spots, judged_by
from bloomery.optimize.proposal import Goal, Known, Proposal
from bloomery.optimize.surveying import Survey, survey
from bloomery.source.covering import body_lines
from bloomery.source.python import Parsed, functions, parse, parse_text

SAME: tuple[Goal, ...] = ("speed", "memory")  # goals that leave behaviour as it is, so that tests of it hold


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
    """Tests first: they say where to look, and every proposal has to pass them, the new ones, too."""

    __test__ = False  # no test class, whatever its name says

    name: str = "test-driven"
    write: bool = True
    facts: dict[str, Any] = field(default_factory=dict)

    def improve(self, bench: Bench) -> Iterator[Judged]:
        found = reached(bench)
        self.facts["functions"] = len(found)
        self.facts["functions without a test"] = sum(not one.tests for one in found)
        self.facts["functions with lines that no test runs"] = sum(bool(one.missed) for one in found)
        self.facts["coverage before"] = coverage(bench.survey, bench)
        proposals = _in_order(bench, found)
        tests = self._tests_first(bench, proposals, found)
        judged: list[Judged] = []
        for one in self._judged(bench, proposals, tests, found):
            judged.append(one)
            yield one
        for one in self._judged(bench, self._again(bench, judged, found), tests, found):
            judged.append(one)
            yield one
        kept = [one for one in judged if one.verdict.accepted]
        self._measure_again(bench, kept, list(tests.values()))

    def _judged(
        self,
        bench: Bench,
        proposals: Iterable[Proposal],
        tests: Mapping[str, Written],
        found: Sequence[Reached],
    ) -> Iterator[Judged]:
        for proposal in proposals:
            known = [tests[path] for path in proposal.texts if path in tests]
            verdict = judged_by(bench, proposal, bench.validate(proposal), known)
            yield Judged(proposal, verdict, _facts(proposal, found))
            if verdict.accepted and bench.task.goal == "fix" and not proposal.facts.get("slower"):
                return  # the tests pass: what follows would be other ways to the same

    def _again(self, bench: Bench, judged: Sequence[Judged], found: Sequence[Reached]) -> Iterator[Proposal]:
        """Language models once more, told what failed, where nothing that was proposed held."""
        done = {(path, one.proposal.function) for one in judged if one.verdict.accepted
                for path in one.proposal.texts}  # fmt: skip
        if done and bench.task.goal == "fix":
            return
        for path in bench.task.paths:
            tried = _tried(judged, path)
            left = [one for one in found if one.path == path and one.name in tried]
            if left := [one for one in left if (path, one.name) not in done]:
                known = replace(known_of(bench, left, path), tried=tried)
                yield from bench.propose(proposer=MODELS, path=path, known=known)

    def _tests_first(
        self, bench: Bench, proposals: Sequence[Proposal], found: Sequence[Reached]
    ) -> dict[str, Written]:
        """By file tests for it, where somebody wants to change what no test runs."""
        if not self.write or bench.task.goal not in SAME:
            return {}
        blind = {(one.path, one.name) for one in found if one.missed}
        wanted = [
            path
            for one in proposals
            for path in one.texts
            if (path, one.function) in blind or (one.function is None and path in {p for p, _ in blind})
        ]
        made = {}
        for path, tests, why in for_blind_spots(bench, wanted):
            if tests is None:
                self.facts.setdefault("not written", []).append(why)
            else:
                made[path] = tests
        self.facts["tests written first"] = sum(one.tests for one in made.values())
        return made

    def _measure_again(self, bench: Bench, kept: Sequence[Judged], tests: Sequence[Written]) -> None:
        """The lines that the tests run with the first accepted proposal, and with the new tests, in place."""
        asked = [*bench.survey.tests, *(one.path for one in tests)]
        if not asked or not (kept or tests):
            return
        texts = {**{one.path: one.text for one in tests}, **(kept[0].proposal.texts if kept else {})}
        after = survey(bench.task.root, asked, bench.task.paths, texts=texts)
        self.facts["coverage after"] = coverage(after, bench, texts)
        self.facts["tests that pass after"] = len(after.passing)


def reached(bench: Bench) -> list[Reached]:
    """The functions of the target files, the most urgent first."""
    seen = bench.survey
    seconds = {one.node: one.duration_s for one in seen.results.outcomes}
    wrong = {one.node for one in seen.failing}
    found = []
    for path in bench.task.paths:
        parsed = parse(bench.task.root / path)
        for name in functions(parsed.tree):
            with suppress(LookupError):  # a function in a branch that is never compiled
                tests = seen.covered.tests(parsed, name)
                missed = seen.covered.missed(parsed, name)
                took = sum(seconds.get(test, 0.0) for test in tests)
                found.append(Reached(path, name, tests, took, missed, len(wrong & set(tests))))
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


def _in_order(bench: Bench, found: Sequence[Reached]) -> list[Proposal]:
    """Proposals file by file, those for urgent functions first."""
    place = {(one.path, one.name): at for at, one in enumerate(found)}
    by_path: dict[str, int] = defaultdict(lambda: len(found))
    for one in found:
        by_path[one.path] = min(by_path[one.path], place[one.path, one.name])
    ordered: list[Proposal] = []
    for path in sorted(bench.task.paths, key=lambda path: by_path[path]):
        ranked = [
            (place.get((path, one.function or ""), len(found)), at, one)
            for at, one in enumerate(bench.propose(path=path, known=known_of(bench, found, path)))
        ]
        ordered += [one for _, _, one in sorted(ranked, key=lambda row: row[:2])]
    return ordered


def known_of(bench: Bench, found: Sequence[Reached], path: str) -> Known:
    """What the tests say of a file: its functions, the most urgent first, with the tests that fail on them.

    To fix something, only functions that failing tests run are named, where the tests tell which.
    """
    here = [one for one in found if one.path == path]
    wrong = [one for one in here if one.failing]
    said = {one.name: failing(bench.survey, one.tests) for one in wrong}
    chosen = wrong if wrong and bench.task.goal == "fix" else here
    return Known(functions=tuple(dict.fromkeys(one.name for one in chosen)), failing=said)


def _tried(judged: Sequence[Judged], path: str) -> dict[str, list[str]]:
    """By function, what language models proposed for it, with what was measured."""
    found: dict[str, list[str]] = defaultdict(list)
    for one in judged:
        if one.proposal.proposer == MODELS and path in one.proposal.texts and one.proposal.function:
            source = source_of(one.proposal)
            found[one.proposal.function].append(measured(one, source))
    return dict(found)


def _facts(proposal: Proposal, found: Sequence[Reached]) -> dict[str, Any]:
    for one in found:
        if one.name == proposal.function and one.path in proposal.texts:
            return {"tests that run it": len(one.tests), "lines that none runs": len(one.missed)}
    return {}
