"""Markers are read from the source as pytest reads them from what it imports."""

import json
import os
import subprocess
import sys
from pathlib import Path

from bloomery.source.marking import marked_tests, unread_marks
from bloomery.source.python import parse_text

FILE = """import pytest
from pytest import mark

PAPER = "miras"
recurrence = pytest.mark.equation("titans", 13)
hope = pytest.mark.equation
pytestmark = pytest.mark.equation("titans", 1)


@pytest.mark.equation("titans", 14)
@mark.equation("titans", "9-10")
def test_two():
    pass


@recurrence
@pytest.mark.slow
def test_by_name():
    pass


@pytest.mark.parametrize("n", [1, pytest.param(2, marks=pytest.mark.equation("titans", 15)), 3])
def test_cases(n):
    pass


def test_plain():
    pass


class Shared:
    @pytest.mark.equation(PAPER, 8)
    def test_shared(self):
        pass


@hope("hope", "A.2")
class TestRule(Shared):
    pytestmark = [pytest.mark.equation("titans", 2), pytest.mark.slow]

    async def test_method(self):
        pass

    class TestInner:
        def test_deep(self):
            pass


class Uncollected:
    @pytest.mark.equation("titans", 99)
    def test_never(self):
        pass
"""
RECORDER = """
import json, pathlib
def pytest_collection_modifyitems(items):
    found = {}
    for item in items:
        name = item.nodeid.partition("::")[2].partition("[")[0]
        given = [list(map(str, mark.args)) for mark in item.iter_markers("equation")]
        found.setdefault(name, []).extend(given)
    pathlib.Path("collected.json").write_text(json.dumps(found))
"""


def test_every_marker_is_seen_that_pytest_sees(tmp_path: Path) -> None:
    path = tmp_path / "test_sample.py"
    path.write_text(FILE)
    (tmp_path / "conftest.py").write_text(RECORDER)
    command = [sys.executable, "-m", "pytest", "-q", "--collect-only", "-p", "no:cacheprovider", "."]
    subprocess.run(
        command, cwd=tmp_path, check=True, capture_output=True, env={**os.environ, "PYTHONPATH": ""}
    )
    theirs = json.loads((tmp_path / "collected.json").read_text())
    ours = {test.node: test.marks for test in marked_tests(parse_text(FILE, path))}
    assert {name: {tuple(map(str, mark.arguments)) for mark in marks} for name, marks in ours.items()} == {
        name: set(map(tuple, marks)) for name, marks in theirs.items() if marks
    }


def test_markers_name_equations_with_ranges_expanded() -> None:
    named = {t.node: [str(e) for e in t.equations] for t in marked_tests(parse_text(FILE, Path("t.py")))}
    assert named["test_two"] == ["titans:14", "titans:9", "titans:10", "titans:1"]
    assert named["TestRule::test_shared"] == ["miras:8", "hope:A.2", "titans:2", "titans:1"]
    assert named["test_plain"] == ["titans:1"]


def test_a_marker_of_one_case_is_told_from_one_of_the_whole_test() -> None:
    (cases,) = (t for t in marked_tests(parse_text(FILE, Path("t.py"))) if t.node == "test_cases")
    assert [(mark.arguments, mark.some_cases) for mark in cases.marks] == [
        (("titans", 15), True),
        (("titans", 1), False),
    ]


def test_a_marker_that_only_running_would_tell_is_said() -> None:
    text = (
        "import pytest\n@pytest.mark.equation('titans', number())\ndef test_a(): ...\n"
        "@pytest.mark.equation('titans')\ndef test_b(): ...\n"
    )
    found = unread_marks(parse_text(text, Path("t.py")))
    assert [(one.line, one.text) for one in found] == [
        (2, "pytest.mark.equation('titans', number())"),
        (4, "equation('titans',)"),
    ]
