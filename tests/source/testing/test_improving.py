"""Weak tests, judged by what they notice, and made stronger only where that is proved."""

from pathlib import Path

import pytest

from bloomery.core.errors import UserError
from bloomery.source.python import parse_text
from bloomery.source.testing.improving import Strengthened, improve
from bloomery.source.testing.weak import spots

RULES = """
    import time

    def area(width, height):
        if width < 0:
            raise ValueError(width)
        return width * height

    def names(count):
        return [f"n{number}" for number in range(count)]

    def clock(n):
        return time.perf_counter() + n
"""
TESTS = """
    import pytest
    from rules import area, clock, names

    def test_true():
        assert area(2, 3)

    def test_bound():
        assert area(2, 3) < 7

    def test_exact():
        assert names(0) == []

    def test_type():
        assert isinstance(names(2), list)

    def test_any_exception():
        with pytest.raises(Exception):
            area(-1, 2)

    def test_nothing():
        names(1)

    @pytest.mark.parametrize("n", [1, 2])
    def test_each(n):
        assert names(n)

    def test_of_the_clock():
        assert clock(3)

    def test_fails():
        assert area(1, 1) == 2
"""


@pytest.fixture(scope="module")
def project(write_project) -> Path:
    return write_project({"src/rules.py": RULES, "tests/test_rules.py": TESTS})


@pytest.fixture(scope="module")
def strengthened(project: Path) -> Strengthened:
    return improve(project, "src/rules.py", ["tests/test_rules.py"])


def test_weak_statements_are_found_with_what_they_speak_of(project: Path):
    text = (project / "tests" / "test_rules.py").read_text()
    found = {
        one.test: (one.weakness, one.subject) for one in spots(parse_text(text, Path("tests/test_rules.py")))
    }
    assert found == {
        "test_true": ("only that it is true", "area(2, 3)"),
        "test_bound": ("only a bound", "area(2, 3)"),
        "test_type": ("only a type", "names(2)"),
        "test_any_exception": ("any exception", "pytest.raises(Exception)"),
        "test_nothing": ("nothing", "names(1)"),
        "test_each": ("only that it is true", "names(n)"),
        "test_of_the_clock": ("only that it is true", "clock(3)"),
    }


@pytest.mark.slow
def test_stronger_assertions_are_proposed_where_they_notice_more(strengthened: Strengthened):
    assert {one.test: one.after for one in strengthened.proposals} == {
        "test_true": "assert area(2, 3) == 6",
        "test_bound": "assert area(2, 3) == 6",
        "test_type": "assert names(2) == ['n0', 'n1']",
        "test_nothing": "assert names(1) == ['n0']",
    }
    assert all(one.kills for one in strengthened.proposals)
    assert strengthened.killed > strengthened.killed_before


@pytest.mark.slow
def test_each_test_is_told_with_what_it_notices(strengthened: Strengthened):
    known = {one.node.partition("::")[2]: one for one in strengthened.tests}
    assert known["test_nothing"].kills == ()
    assert known["test_any_exception"].kills == ("area, line 4, comparison: width < 0 -> width >= 0",)
    assert known["test_any_exception"].alone == ()
    assert known["test_each[1]"].alone
    assert list(strengthened.not_passing) == ["tests/test_rules.py::test_fails"]


@pytest.mark.slow
def test_the_files_are_left_alone_and_the_proposed_text_is_theirs_but_for_the_statements(
    project: Path, strengthened: Strengthened
):
    before = (project / "tests" / "test_rules.py").read_text().splitlines()
    after = strengthened.texts["tests/test_rules.py"].splitlines()
    assert len(before) == len(after)
    assert [new for old, new in zip(before, after, strict=True) if old != new] == [
        f"    {one.after}" for one in strengthened.proposals
    ]


@pytest.mark.slow
def test_without_a_passing_test_there_is_nothing_to_judge(project: Path):
    with pytest.raises(UserError, match="no test passes"):
        improve(project, "src/rules.py", ["tests/test_rules.py::test_fails"])
