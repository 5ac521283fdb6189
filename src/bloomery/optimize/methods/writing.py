"""Tests written before anything is changed, where existing ones are blind; proposals have to pass them."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any

from bloomery.core.errors import BloomeryError
from bloomery.core.evidence import Bar, Check, judge, not_run
from bloomery.optimize.methods.method import Bench
from bloomery.optimize.proposal import Proposal
from bloomery.optimize.remembering import key_of
from bloomery.optimize.surveying import survey
from bloomery.optimize.validating.verdict import Verdict
from bloomery.source.testing import generate

PASSED = Check(
    name="tests.written",
    bar=Bar(op="==", value=0),
    unit="tests",
    meaning="tests written for the original, where no test ran it, that fail on this",
)


@dataclass(frozen=True)
class Written:
    """A file of tests that pass on the original and fail on wrong versions of it."""

    path: str
    text: str
    tests: int
    lines: int
    killed: int

    @property
    def there(self) -> bool:
        return bool(self.text)


def written(bench: Bench, path: str) -> tuple[Written | None, str]:
    """Tests for a file, remembered by its text; where there can be none, why."""
    text = (bench.task.root / path).read_text()
    key = f"tests {key_of(path=path, text=text, tests=bench.task.tests, seed=bench.task.seed)}"
    known: dict[str, Any] | None = bench.recall(key)
    if known is None:
        bench.say("writing tests", path=path)
        try:
            made = generate(
                bench.task.root, path, seed=bench.task.seed, effort="quick", tests=bench.task.tests
            )
        except BloomeryError as error:
            return None, f"no tests were written for {path}: {error}"
        known = {
            "path": made.path, "text": made.text, "tests": len(made.tests),
            "lines": made.covered - made.covered_before, "killed": made.killed - made.killed_before,
        }  # fmt: skip
        bench.remember(key, known)
    found = Written(**known)
    return (found, "") if found.there else (None, f"no test worth keeping was found for {path}")


def judged_by(bench: Bench, proposal: Proposal, verdict: Verdict, tests: Sequence[Written]) -> Verdict:
    """The verdict with what the written tests say of a proposal that passed everything else."""
    if not tests or not verdict.sound:
        return verdict
    texts = {**{one.path: one.text for one in tests}, **proposal.texts}
    after = survey(bench.task.root, [one.path for one in tests], texts=texts)
    failing = [one.node for one in after.failing]
    if not failing and not after.passing:
        evidence = not_run(PASSED, "none of them could be run")
    else:
        how = ", ".join(failing) or f"{len(after.passing)} tests"
        evidence = judge(PASSED, len(failing), how=how, duration_s=0.0)
    mends = {PASSED.name: f"{failing[0]} fails: the behaviour is another"} if failing else {}
    return replace(
        verdict, evidence=(*verdict.evidence, evidence), suggestions={**verdict.suggestions, **mends}
    )


def for_blind_spots(bench: Bench, paths: Sequence[str]) -> Iterator[tuple[str, Written | None, str]]:
    """For each file, once: the tests, or why there are none."""
    for path in dict.fromkeys(paths):
        yield path, *written(bench, path)
