"""Every equation and claim of papers/ is accounted for, and docs/equations.md lists them as they are."""

import re
from collections import Counter
from pathlib import Path

import pytest

from bloomery.papers.verifying.equations_page import equations_page, structure
from bloomery.papers.verifying.papers import paper_ids
from bloomery.papers.verifying.verified import STATUSES, VERIFIED, Verified
from bloomery.papers.verifying.verifying import unrun

ROOT = Path(__file__).parents[1]
PAGE = ROOT / "docs" / "equations.md"


@pytest.fixture(scope="module")
def page() -> str:
    return PAGE.read_text(encoding="utf-8")


@pytest.fixture(scope="module")
def found() -> Verified:
    return unrun(ROOT)


def test_every_equation_has_code_that_cites_it_and_a_test_or_a_reason_why_not(found: Verified) -> None:
    """That the tests pass the suite says, and `bloomery paper verify` that they run the code and notice
    changes of it."""
    assert len(found.equations) > 300
    left = [
        f"{one.id}: {one.status}: {one.reason}"
        for one in found.equations
        if one.status not in ("skipped", "out of scope")
    ]
    assert not left


def test_every_claim_was_measured_or_says_why_not(found: Verified) -> None:
    """A measurement that code has changed since is stale, which is no fault before the work is finished."""
    assert not [f"{one.id}: {one.reason}" for one in found.claims if not (one.accounted or one.stale)]


def test_nothing_is_wrong_with_papers_results_and_configs(found: Verified) -> None:
    assert not found.bad_input
    assert not [str(one) for one in found.findings if one.severity == "error"]


def test_the_page_of_equations_is_that_of_the_repository(page: str, found: Verified) -> None:
    shown, there = structure(page), structure(equations_page(found))
    differing = sorted(set(shown) ^ set(there))
    assert shown == there, "renew it: bloomery paper verify -p ID --page docs/equations.md\n" + "\n".join(
        differing[:10]
    )


def test_every_equation_of_the_page_is_verified_or_out_of_scope(page: str) -> None:
    assert all(f"(`{name}`)" in page for name in paper_ids(ROOT))
    rows = [line for line in page.splitlines() if line.startswith("| ") and line.count(" | ") == 4]
    statuses = {line.removesuffix(" |").rpartition(" | ")[2].partition(":")[0] for line in rows}
    assert statuses >= {"out of scope"}
    assert statuses & VERIFIED
    assert not statuses & (set(STATUSES) - VERIFIED - {"out of scope"})


def test_the_counts_of_each_section_are_those_of_its_rows(page: str) -> None:
    """A status that was typed into a row contradicts its section's count.

    Whether both are those of the last verification only a verification can tell, which takes minutes.
    """
    for section in page.split("\n## ")[1:]:
        counted = re.search(r"^(\d+) equations: (.*)\.$", section, re.M)
        equations = section.partition("\n| Claim |")[0].splitlines()
        rows = [line for line in equations if line.startswith("| ")][2:]  # without the heads
        found = Counter(_status(line) for line in rows)
        told = dict(part.split(" ", 1)[::-1] for part in counted[2].split(", ")) if counted else {}
        assert {status: str(count) for status, count in found.items()} == told, section[:80]
        assert found.total() == int(counted[1] if counted else 0)


def _status(row: str) -> str:
    return re.split(r"(?<!\\) \| ", row.removesuffix(" |"))[-1].partition(":")[0]
