"""Lint, types, tests and coverage in one report: three states each, and what is missing is no pass."""

from pathlib import Path

import pytest

from bloomery.core.errors import CapabilityMissing, MissingFile
from bloomery.core.evidence import State
from bloomery.papers.verifying import quality as rooms
from bloomery.papers.verifying.quality import quality, render_quality

SETTINGS = '[tool.pytest.ini_options]\npythonpath = ["src"]\n[tool.ruff]\n[tool.mypy]\nfiles = "src"\n'
GOOD = {
    "pyproject.toml": SETTINGS,
    "src/halves.py": "def half(x: float) -> float:\n    return x / 2\n",
    "tests/test_halves.py": "from halves import half\n\n\ndef test_half():\n    assert half(4) == 2\n",
}
BAD = {
    "pyproject.toml": SETTINGS,
    "src/halves.py": (
        "import os\n\n\ndef half(x: float) -> str:\n    return x/2\n\n\n"
        "def unseen(x):\n    y = x + 1\n    z = y + 1\n    w = z + 1\n    return w\n"
    ),
    "tests/test_halves.py": (
        "from halves import half\n\n\ndef test_half():\n    assert half(4) == 3\n\n\n"
        "def test_again():\n    assert half(4) == 2\n"
    ),
}


def written(root: Path, files: dict[str, str]) -> Path:
    for name, text in files.items():
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_text(text)
    return root


def values(found):
    return {item.check: (item.state, item.measured) for item in found.evidence}


@pytest.mark.slow
def test_a_good_project_passes_all_of_it(tmp_path):
    found = quality(written(tmp_path, GOOD))
    assert values(found) == {
        "lint": (State.PASSED, 0),
        "format": (State.PASSED, 0),
        "types": (State.PASSED, 0),
        "tests": (State.PASSED, 0),
        "coverage": (State.PASSED, 100),
    }
    assert found.exit_code == 0
    assert render_quality(found).endswith("all of it passes\n")


@pytest.mark.slow
def test_each_planted_fault_is_counted(tmp_path):
    found = quality(written(tmp_path, BAD))
    assert values(found) == {
        "lint": (State.FAILED, 1),  # an unused import
        "format": (State.FAILED, 1),  # a quotient without its spaces
        "types": (State.FAILED, 1),  # a float returned as str
        "tests": (State.FAILED, 1),
        "coverage": (State.FAILED, 50.0),  # of eight statements the four of `unseen`
    }
    assert found.exit_code == 1
    assert render_quality(found).endswith("not good enough\n")


def test_a_tool_that_is_missing_is_not_run_and_no_pass(tmp_path, monkeypatch):
    def no_tool(*_: object) -> str:
        raise CapabilityMissing("it is not installed")

    monkeypatch.setattr(rooms._Project, "tool", no_tool)
    monkeypatch.setattr(rooms._Project, "has", lambda self, module: False)
    found = quality(written(tmp_path, GOOD))
    assert {item.state for item in found.evidence} == {State.NOT_RUN}
    assert found.exit_code == 1
    assert "pytest is not installed" in render_quality(found)


@pytest.mark.slow
def test_tests_that_are_all_skipped_are_not_run(tmp_path):
    skipped = "import pytest\n\n\ndef test_it():\n    pytest.skip('not here')\n"
    project = rooms._Project(
        written(tmp_path / "project", {**GOOD, "tests/test_halves.py": skipped}),
        rooms.sys.executable,
        written(tmp_path / "scratch", {"empty": ""}),
        60,
        None,
    )
    tests, coverage = rooms._tests(project)
    assert (tests.state, coverage.state) == (State.NOT_RUN, State.NOT_RUN)
    assert tests.reason == "no test ran: all are skipped, or there is none"


@pytest.mark.parametrize("status", [1, 2])
@pytest.mark.slow
def test_a_suite_that_was_ended_before_its_failing_test_is_not_run(tmp_path, status):
    ending = (
        "import pytest\n\n\ndef test_it():\n    assert 1 + 1 == 2\n\n\n"
        f"def test_that_ends_it():\n    pytest.exit('enough', returncode={status})\n\n\n"
        "def test_that_fails():\n    assert 1 + 1 == 3\n"
    )
    root = written(tmp_path / "project", {**GOOD, "tests/test_halves.py": ending})
    scratch = written(tmp_path / "scratch", {"empty": ""})
    tests, coverage = rooms._tests(rooms._Project(root, rooms.sys.executable, scratch, 60, None))
    assert (tests.state, coverage.state) == (State.NOT_RUN, State.NOT_RUN)
    assert tests.reason.startswith("it was ended after ")
    assert f"status {status}" in tests.reason


def test_tests_that_do_not_end_are_not_run(tmp_path):
    endless = "import time\n\n\ndef test_it():\n    time.sleep(60)\n    assert True\n"
    root = written(tmp_path / "project", {**GOOD, "tests/test_halves.py": endless})
    scratch = written(tmp_path / "scratch", {"empty": ""})
    tests, _ = rooms._tests(rooms._Project(root, rooms.sys.executable, scratch, 1.5, None))
    assert tests.state is State.NOT_RUN
    assert tests.reason == "it was not done within 0.025 minutes"


def test_a_folder_that_there_is_not_is_refused(tmp_path):
    with pytest.raises(MissingFile, match="there is no such folder"):
        quality(tmp_path / "absent")
