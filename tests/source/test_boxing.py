"""Tests that run on a copy, behind the sandbox's walls."""

import os
import subprocess
from pathlib import Path

import pytest

from bloomery.core.errors import MissingFile, UserError
from bloomery.source import boxing
from bloomery.source.boxing import boxed
from bloomery.source.mutating import Trying, kill_table
from bloomery.source.python import parse
from bloomery.source.running import run_tests

RULES = """
    def clamp(x, low):
        if x < low:
            return low
        return x
"""
TESTS = """
    import os
    import socket
    from pathlib import Path

    import pytest
    from rules import clamp

    def test_clamps():
        assert clamp(1, 2) == 2
        assert clamp(3, 2) == 3

    def test_writes_into_its_project():
        Path("src/rules.py").write_text("")

    def test_reaches_the_network():
        with pytest.raises(OSError):
            socket.create_connection(("127.0.0.1", 9))

    def test_sees_no_secret():
        assert "OUR_TOKEN" not in os.environ

    def test_reads_the_original():
        with pytest.raises(OSError):
            Path(ORIGINAL).read_text()

    def test_seed():
        assert os.environ["PYTHONHASHSEED"] == "7"
"""


@pytest.fixture(scope="module")
def project(write_project):
    root = write_project({"src/rules.py": RULES})
    original = f"ORIGINAL = {str(root / 'src' / 'rules.py')!r}\n"
    (root / "tests").mkdir()
    (root / "tests" / "test_rules.py").write_text(
        original + "\n".join(line[4:] for line in TESTS.splitlines())
    )
    return root


def test_tests_in_a_box_see_and_change_the_copy_alone(project: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setitem(os.environ, "OUR_TOKEN", "secret")
    before = (project / "src" / "rules.py").read_text()
    with boxed(project) as box:
        results = run_tests(box.project, ["tests"], box=box, hash_seed=7)
        assert (box.project / "src" / "rules.py").read_text() == ""
    assert [(one.node.partition("::")[2], one.status) for one in results.outcomes] == [
        ("test_clamps", "passed"),
        ("test_writes_into_its_project", "passed"),
        ("test_reaches_the_network", "passed"),
        ("test_sees_no_secret", "passed"),
        ("test_reads_the_original", "passed"),
        ("test_seed", "passed"),
    ]
    assert (project / "src" / "rules.py").read_text() == before
    assert not box.folder.exists()


def test_the_last_test_can_run_first(project: Path):
    with boxed(project) as box:
        results = run_tests(box.project, ["tests"], box=box, hash_seed=7, job={"backwards": True})
    assert results.outcomes[0].node.endswith("test_seed")


@pytest.mark.slow
def test_mutants_are_killed_in_a_box_too(project: Path):
    with boxed(project) as box:
        parsed = parse(box.inner(project / "src" / "rules.py"))
        test = "tests/test_rules.py::test_clamps"
        table = kill_table(box.project, parsed, "clamp", [test], Trying(box=box))
    states = {trial.mutant.operator: trial.state for trial in table.trials}
    assert states == {"statement": "killed", "comparison": "killed", "boundary": "survived"}
    assert table.own_process == ""


def test_of_a_repository_what_git_ignores_stays_behind(tmp_path: Path):
    for name in ("kept.py", "sub/fresh.py", "build/large.bin", ".venv/lib.py"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text("x = 1\n")
    (tmp_path / "link.py").symlink_to("kept.py")
    everything = {"kept.py", "sub/fresh.py", "build/large.bin", "link.py"}
    with boxed(tmp_path) as box:
        assert _names(box.project) == everything
        assert (box.project / "link.py").is_symlink()
    subprocess.run(["git", "init", "-q"], cwd=tmp_path, check=True)
    (tmp_path / ".gitignore").write_text("build/\n.venv/\n")
    subprocess.run(["git", "add", "kept.py"], cwd=tmp_path, check=True)
    with boxed(tmp_path) as box:
        assert _names(box.project) == {"kept.py", "sub/fresh.py", "link.py", ".gitignore"}
    (tmp_path / "kept.py").unlink()
    with boxed(tmp_path) as box:
        assert not (box.project / "kept.py").exists()


def _names(folder: Path) -> set[str]:
    return {path.relative_to(folder).as_posix() for path in folder.rglob("*") if not path.is_dir()}


def test_what_cannot_be_copied_is_said(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    with pytest.raises(MissingFile), boxed(tmp_path / "none"):
        pass
    (tmp_path / "large").write_bytes(b"12345")
    monkeypatch.setattr(boxing, "MOST_BYTES", 4)
    with pytest.raises(UserError, match="name a smaller root"), boxed(tmp_path):
        pass
