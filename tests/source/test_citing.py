"""`Source:` lines name equations; each expected list here was read by hand."""

from pathlib import Path

import pytest

from bloomery.source.citing import Equation, citations, equations, expand, numbers, unread
from bloomery.source.python import parse_text


def listed(text: str) -> list[str]:
    return [str(equation) for equation in equations(text)]


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        ("titans eq. 13, titans eq. 14", ["titans:13", "titans:14"]),
        ("dare eq. 1 and 2 (density = 1 - p).", ["dare:1", "dare:2"]),
        ("arXiv 2402.17764, equations 1-3.", [f"2402.17764:{n}" for n in (1, 2, 3)]),
        ("GPTQ, arXiv 2210.17323, equation 1; VPTQ, arXiv 2409.17066, section 2.", ["2210.17323:1"]),
        (
            "arXiv 2501.06252 (Transformer-Squared), section 3.2 and equation 1: reward +1, for 2",
            ["2501.06252:1"],
        ),
        ("arXiv 2501.00663 (Titans), arXiv 1603.08983 (ACT)", []),
        ("ties algorithm 1", []),
        ("the EMA filter; Watson 1983", []),
        ("miras Eqs. (8), (9a) & (A.2)", ["miras:8", "miras:9a", "miras:A.2"]),
        ("hope equations 9-10, 12 and 14–16", [f"hope:{n}" for n in (9, 10, 12, 14, 15, 16)]),
        ("titans eq. 13; miras eq. 3.2, 2402.17764 eq. 1", ["titans:13", "miras:3.2", "2402.17764:1"]),
        ("titans eq. 13, and eq. 14", ["titans:13", "titans:14"]),
        ("arXiv 2402.17764, eq. 1; titans eq. 2", ["2402.17764:1", "titans:2"]),
        ("Titans' memory, titans eq. 13", ["titans:13"]),
        ("titans (the long version), eq. 4a to 4c", ["titans:4a", "titans:4b", "titans:4c"]),
        ("titans eq. 13, titans eq. 13", ["titans:13"]),
        ("a sequence of 3 requirements, seq. 4", []),
    ],
)
def test_a_source_line_cites(line: str, expected: list[str]) -> None:
    assert listed(f"Does it.\n\nShapes: x (B, T)\nSource: {line}\n") == expected


def test_a_field_goes_on_over_lines_to_the_next_field_or_blank_line() -> None:
    assert listed("Source: titans eq. 13,\n    titans eq. 14\nDiffers: titans eq. 15") == [
        "titans:13",
        "titans:14",
    ]
    assert listed("Source: titans eq. 1. Differs: from titans eq. 2 by a sign") == ["titans:1"]
    assert listed("Source: titans eq. 1\n\ntitans eq. 2 is another matter") == ["titans:1"]


def test_equations_outside_of_source_fields_are_not_cited() -> None:
    assert listed("The update of titans eq. 13.\n\nDiffers: titans eq. 14 has no bound.") == []
    assert equations(None) == ()


@pytest.mark.parametrize(
    ("first", "last", "expected"),
    [
        ("9", "10", ("9", "10")),
        ("A.1", "A.3", ("A.1", "A.2", "A.3")),
        ("A1", "3", ("A1", "A2", "A3")),
        ("3.1", "4", ()),
        ("10", "9", ()),
        ("A.1", "B.2", ()),
        ("4a", "5c", ()),
        ("1", "200", tuple(str(n) for n in range(1, 201))),
        ("1", "201", ()),
    ],
)
def test_a_range_expands_where_it_has_an_order(first: str, last: str, expected: tuple[str, ...]) -> None:
    assert expand(first, last) == expected


def test_only_a_list_of_numbers_is_one() -> None:
    assert numbers("9-10") == ("9", "10")
    assert numbers("(13)") == ("13",)
    assert numbers("thirteen") == ()
    assert numbers("see 3") == ()


FILE = '''"""Module.

Source: titans eq. 1
"""


class Memory:
    """Source: titans eq. 2"""

    def update(self):
        """Source: eq. 3"""

    def read(self):
        """Source: titans eq. 7-5"""
'''


def test_citations_say_where_they_stand() -> None:
    found = [(c.equation, c.line, c.symbol) for c in citations(parse_text(FILE, Path("m.py")))]
    assert found == [(Equation("titans", "1"), 1, ""), (Equation("titans", "2"), 7, "Memory")]


def test_an_equation_without_a_paper_and_a_range_without_an_order_are_said() -> None:
    found = [(one.line, one.symbol, one.text) for one in unread(parse_text(FILE, Path("m.py")))]
    assert found == [(10, "Memory.update", "eq. 3"), (13, "Memory.read", "eq. 7-5")]
