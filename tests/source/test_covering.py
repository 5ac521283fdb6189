"""Which test runs which line, on a project where a person can say it."""

from pathlib import Path

import pytest

from bloomery.source.covering import Covered, body_lines, cover
from bloomery.source.python import Parsed, parse

RULES = '''
def decay(state, rate):
    """Source: titans eq. 13"""
    if rate < 0:
        raise ValueError(rate)
    kept = (1 - rate) * state

    def halved():
        return kept / 2

    return halved


class Memory:
    def read(self):
        return 7

    def write(self):
        return 8


def table():
    return [n * n for n in range(3)]


SQUARES = table()


def wide():
    return 5
'''
TESTS = """
    import pytest
    from rules import SQUARES, Memory, decay, wide

    @pytest.fixture(scope="module")
    def number():
        return wide()

    @pytest.fixture
    def memory():
        return Memory()

    def test_refuses():
        with pytest.raises(ValueError):
            decay(1, -1)

    def test_decays():
        assert decay(1, 0.5)() == 0.25

    @pytest.mark.parametrize("n", [1, 2])
    def test_first(number, n):
        assert number == 5

    def test_second(number, memory):
        assert number == memory.read() - 2

    def test_squares():
        assert SQUARES == [0, 1, 4]
"""


@pytest.fixture(scope="module")
def project(write_project) -> Path:
    return write_project({"src/rules.py": RULES, "tests/test_rules.py": TESTS})


@pytest.fixture(scope="module")
def covered(project: Path) -> Covered:
    return cover(project, ["tests"], [project / "src" / "rules.py"])


@pytest.fixture(scope="module")
def rules(project: Path) -> Parsed:
    return parse(project / "src" / "rules.py")


def named(tests: tuple[str, ...]) -> list[str]:
    return [test.partition("::")[2] for test in tests]


def test_a_function_is_run_by_the_tests_that_call_it(covered: Covered, rules: Parsed) -> None:
    assert named(covered.tests(rules, "decay")) == ["test_refuses", "test_decays"]
    assert named(covered.tests(rules, "decay.<locals>.halved")) == ["test_decays"]
    assert named(covered.tests(rules, "Memory.read")) == ["test_second"]
    assert covered.tests(rules, "Memory.write") == ()


def test_a_wide_fixture_counts_for_every_test_that_uses_it(covered: Covered, rules: Parsed) -> None:
    assert named(covered.tests(rules, "wide")) == ["test_first[1]", "test_first[2]", "test_second"]


def test_lines_are_told_by_test(covered: Covered, rules: Parsed) -> None:
    refuses, decays = covered.tests(rules, "decay")
    assert covered.ran(rules, "decay", refuses) == {3, 4}
    assert covered.ran(rules, "decay", decays) == {3, 5, 7, 8, 10}
    assert covered.missed(rules, "decay") == frozenset()
    assert covered.missed(rules, "Memory.write") == {18}


def test_what_importing_runs_is_told_from_what_tests_run(covered: Covered, rules: Parsed) -> None:
    assert covered.runs_before_tests(rules, "table")
    assert covered.tests(rules, "table") == ()
    assert not covered.runs_before_tests(rules, "decay")


def test_the_lines_of_a_body_leave_out_signature_docstring_and_blank_lines(rules: Parsed) -> None:
    assert body_lines(rules, "decay") == {3, 4, 5, 7, 8, 10}
    assert body_lines(rules, "Memory.read") == {15}


def test_the_tests_themselves_are_judged_too(covered: Covered) -> None:
    assert {one.status for one in covered.results.outcomes} == {"passed"}
    assert len(covered.results.outcomes) == 6
