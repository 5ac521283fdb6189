"""Tests found, selected by what changed, run again and again."""

import subprocess
from pathlib import Path

import pytest

from bloomery.core.errors import UserError
from bloomery.core.evidence import State
from bloomery.source.testing.discovering import (
    changed_files,
    concerned,
    covered_in_box,
    default_targets,
    discover,
    repeat,
)

FILES = {
    "src/area.py": "from length import squared\n\ndef square(side):\n    return squared(side)\n",
    "src/length.py": "def squared(n):\n    return n * n\n\ndef cubed(n):\n    return n * squared(n)\n",
    "src/other.py": "def other():\n    return 1\n",
    "src/broken.py": "def (:\n",
    "tests/test_area.py": "from area import square\n\ndef test_square():\n    assert square(3) == 9\n",
    "tests/test_other.py": """
        import pytest
        from other import other

        STATE = []

        def test_other():
            assert other() == 1

        def test_first():
            STATE.append(1)

        def test_needs_the_first():
            assert STATE == [1]

        @pytest.mark.skip(reason="not now")
        def test_skipped():
            pass
    """,
}


@pytest.fixture(scope="module")
def project(write_project) -> Path:
    return write_project(FILES)


def test_each_test_is_told_with_what_it_touches(project: Path):
    found = {one.node.partition("::")[2]: one for one in discover(project, ["tests"])}
    assert found["test_square"].touches == {"src/area.py": ("square",), "src/length.py": ("squared",)}
    assert found["test_other"].touches == {"src/other.py": ("other",)}
    assert (found["test_first"].touches, found["test_first"].status) == ({}, "passed")
    assert found["test_skipped"].status == "skipped"


def test_coverage_recorded_in_the_sandbox_speaks_of_the_files_themselves(project: Path):
    covered, files = covered_in_box(project, ["tests/test_area.py"], ["src/length.py"])
    assert [one.path for one in files] == [project.resolve() / "src" / "length.py"]
    assert covered.missed(files[0], "cubed") == {5}
    with pytest.raises(UserError, match="inside"):
        covered_in_box(project, ["tests"], ["../elsewhere.py"])
    with pytest.raises(UserError, match="not Python"):
        covered_in_box(project, ["tests"], ["src/broken.py"])


@pytest.mark.slow
def test_what_depends_on_its_order_is_flaky(project: Path):
    done = repeat(project, ["tests/test_other.py"], 2)
    assert done.flaky == {"tests/test_other.py::test_needs_the_first": ("passed", "failed")}
    assert done.state is State.FAILED
    once = repeat(project, ["tests/test_other.py::test_other", "tests/test_other.py::test_skipped"])
    assert (once.flaky, once.state) == ({}, State.PASSED)


def test_what_was_not_run_is_no_pass(project: Path):
    assert repeat(project, ["tests/test_other.py::test_skipped"]).state is State.NOT_RUN
    assert repeat(project, ["tests/test_other.py::test_none"]).state is State.NOT_RUN
    assert repeat(project, ["tests/test_none.py"]).state is State.NOT_RUN


def git(root: Path, *words: str) -> None:
    identity = ["-c", "user.name=Ada", "-c", "user.email=ada@localhost", "-c", "commit.gpgsign=false"]
    subprocess.run(["git", *identity, *words], cwd=root, check=True, capture_output=True)


def test_a_change_concerns_what_imports_it_however_far(write_project):
    root = write_project(FILES)
    with pytest.raises(UserError, match="git cannot say"):
        changed_files(root)
    git(root, "init", "-q")
    git(root, "add", "-A")
    git(root, "commit", "-q", "-m", "begin")
    assert changed_files(root) == ()
    (root / "src" / "length.py").write_text("def squared(n):\n    return n ** 2\n")
    (root / "src" / "fresh.py").write_text("")
    assert changed_files(root) == ("src/length.py", "src/fresh.py")
    assert concerned(root, ["tests"], changed_files(root)) == ("tests/test_area.py",)
    assert concerned(root, ["tests"], ["tests/test_other.py"]) == ("tests/test_other.py",)
    assert len(concerned(root, ["tests"], ["tests/conftest.py"])) == 2
    assert concerned(root, ["tests"], ["src/fresh.py"]) == ()


def test_targets_are_those_that_pytest_would_take(tmp_path: Path):
    assert default_targets(tmp_path) == ["."]
    (tmp_path / "tests").mkdir()
    assert default_targets(tmp_path) == ["tests"]
    (tmp_path / "pyproject.toml").write_text('[tool.pytest.ini_options]\ntestpaths = ["checks"]\n')
    (tmp_path / "checks").mkdir()
    assert default_targets(tmp_path) == ["checks"]
