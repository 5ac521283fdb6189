"""What is found wrong in code as it is counts once in the statistics, whoever finds it."""

import subprocess
from pathlib import Path

import pytest

from bloomery.core.workspace import Workspace
from bloomery.optimize.noting import SECURITY, WEAKNESS, insecure, note, place_of
from bloomery.optimize.reviewing import CHECKS, review
from bloomery.optimize.statistics import statistics

UNSAFE = "import yaml\n\nPASSWORD = 'hunter2-of-mine'\n\n\ndef read(text):\n    return yaml.load(text)\n"


@pytest.fixture
def workspace(tmp_path: Path) -> Workspace:
    return Workspace.open(tmp_path / "space")


def value(workspace: Workspace, name: str) -> float | None:
    return {one.name: one.value for one in statistics(workspace)}[name]


def test_the_same_counts_once_and_what_differs_in_anything_counts_again(workspace) -> None:
    assert note(workspace, "/r", WEAKNESS, "m.py", of="leak", function="f")
    assert not note(workspace, "/r", WEAKNESS, "m.py", of="leak", function="f")
    assert note(workspace, "/r", WEAKNESS, "m.py", of="leak", function="g")
    assert note(workspace, "/other", WEAKNESS, "m.py", of="leak", function="f")
    assert value(workspace, "weaknesses that faults showed") == 3
    assert value(workspace, "security findings") is None


def test_a_finding_is_told_by_its_line_wherever_that_moves_and_the_line_is_not_kept(tmp_path) -> None:
    assert place_of("B105", 3, UNSAFE) == place_of("B105", 5, "\n\n" + UNSAFE)
    assert place_of("B105", 3, UNSAFE) != place_of("B105", 7, UNSAFE)
    (tmp_path / "m.py").write_text(UNSAFE)
    found = insecure(tmp_path, ["m.py"])
    assert [one["code"] for one in found] == ["B105", "B506"]
    assert "hunter2" not in str(found)


def test_what_a_review_finds_about_security_is_counted_and_a_second_review_adds_nothing(
    tmp_path, workspace, monkeypatch
) -> None:
    root = tmp_path / "repo"
    root.mkdir()
    for name, given in {"GIT_CONFIG_GLOBAL": "/dev/null", "GIT_CONFIG_NOSYSTEM": "1"}.items():
        monkeypatch.setenv(name, given)
    who = ("-c", "user.name=Ada", "-c", "user.email=ada@localhost")
    for words in (("init", "-q"), ("commit", "-q", "--allow-empty", "-m", "begin")):
        subprocess.run(["git", *who, *words], cwd=root, check=True)
    (root / "m.py").write_text(UNSAFE)
    only = set(CHECKS) - {"security"}
    for _ in range(2):
        assert len(review(root, without=only, workspace=workspace).findings) == 2
    assert value(workspace, "security findings") == 2
    assert {one.kind for one in workspace.catalog.events.all()} == {SECURITY}
    assert "hunter2" not in str(workspace.catalog.events.all())
