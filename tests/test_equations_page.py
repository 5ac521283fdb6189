"""docs/equations.md lists the equations, code and tests that there are."""

import re
from collections import Counter
from pathlib import Path

import pytest

from bloomery.papers.verifying.equations_page import equations_page, structure
from bloomery.papers.verifying.papers import paper_ids
from bloomery.papers.verifying.verified import STATUSES, VERIFIED
from bloomery.papers.verifying.verifying import unrun

ROOT = Path(__file__).parents[1]
PAGE = ROOT / "docs" / "equations.md"


@pytest.fixture(scope="module")
def page() -> str:
    return PAGE.read_text(encoding="utf-8")


def test_the_page_of_equations_is_that_of_the_repository(page: str) -> None:
    shown, there = structure(page), structure(equations_page(unrun(ROOT)))
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
