"""A repository's tests in the sandbox, on a copy of it: what becomes of each, and what lines it runs."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from bloomery.source.boxing import Box, boxed
from bloomery.source.covering import Covered, cover
from bloomery.source.outcomes import Outcome, Results
from bloomery.source.running import run_tests

TIME_LIMIT_S = 600.0
WRONG = ("failed", "error", "xpassed", "not run", "not collected")


@dataclass(frozen=True)
class Survey:
    """What tests did; `covered` holds the lines of the files that were asked about, by the files' own paths.

    `flaky`: tests whose outcome depends on the hash seed or on the order of the tests.
    """

    tests: tuple[str, ...]
    covered: Covered
    flaky: tuple[str, ...] = ()

    @property
    def results(self) -> Results:
        return self.covered.results

    @property
    def failing(self) -> tuple[Outcome, ...]:
        """Tests that do not pass, and what could not be collected; the flaky ones aside."""
        return tuple(
            one for one in self.results.outcomes if one.status in WRONG and one.node not in self.flaky
        )

    @property
    def passing(self) -> tuple[Outcome, ...]:
        return tuple(
            one for one in self.results.outcomes if one.status == "passed" and one.node not in self.flaky
        )


def survey(
    root: Path,
    tests: Sequence[str],
    files: Iterable[str] = (),
    *,
    texts: Mapping[str, str] | None = None,
    twice: bool = False,
    time_limit_s: float = TIME_LIMIT_S,
    test_s: float = 0,
) -> Survey:
    """Run `tests` on a copy of the project at `root`, with `texts` in it.

    `files`: whose lines are recorded. `twice`: run the tests again, the last first and with another hash
    seed, to find those that are flaky. `test_s`: processor seconds after which one test has failed; 0: never.
    Raises: CapabilityMissing where pytest or coverage is not installed.
    """
    with boxed(root) as box:
        for path, text in (texts or {}).items():
            (box.project / path).parent.mkdir(parents=True, exist_ok=True)
            (box.project / path).write_text(text)
        inner = [box.project / path for path in files]
        covered = cover(box.project, tests, inner, box=box, time_limit_s=time_limit_s, test_s=test_s)
        if not twice or covered.results.ended:
            return Survey(tuple(tests), _outside(covered, box))
        endless = [one.node for one in covered.results.outcomes if one.took_too_long]
        job = {"backwards": True, "without": endless, "test_s": test_s}
        again = run_tests(box.project, tests, box=box, time_limit_s=time_limit_s, job=job, hash_seed=1)
    return Survey(tuple(tests), _outside(covered, box), _differing(covered.results, again))


def _outside(covered: Covered, box: Box) -> Covered:
    """The same of the files that the copies are of."""
    lines = {box.outer(path): found for path, found in covered.lines.items()}
    before = {box.outer(path): found for path, found in covered.before.items()}
    return Covered(covered.results, lines, before)


def _differing(one: Results, other: Results) -> tuple[str, ...]:
    known = {outcome.node: outcome.status for outcome in other.outcomes}
    ended = [outcome for outcome in one.outcomes if not outcome.took_too_long]
    return tuple(outcome.node for outcome in ended if known.get(outcome.node) != outcome.status)
