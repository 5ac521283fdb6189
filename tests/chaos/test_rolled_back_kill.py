"""Kill -9 after a stage was rolled back: the run goes on from its input, and still says why."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]


def start(folder: Path, first: int, stride: int) -> tuple[dict, list[dict]]:
    """What an undisturbed run gave, and each that was killed."""
    command = [sys.executable, "-m", "tests.chaos.rolled_back", folder, str(first), str(stride)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=900, check=False, cwd=ROOT,
                          env=os.environ)  # fmt: skip
    assert done.returncode == 0, done.stderr
    undisturbed, *killed = json.loads(done.stdout)
    return undisturbed, killed


def same_but_for_the_kill(undisturbed: dict, killed: list[dict]) -> None:
    assert undisturbed["objections"].keys() == {"second"}
    assert (undisturbed["quality"], undisturbed["ancestors"]) == ("2.0", "1.0")  # the third's, from the first
    for report in killed:
        report.pop("rolled back before")
        assert report == undisturbed


@pytest.mark.slow
def test_a_run_killed_when_a_stage_had_been_rolled_back_gives_the_same(tmp_path):
    undisturbed, killed = start(tmp_path, 60, 9)
    assert killed
    assert all(report["rolled back before"] for report in killed)
    same_but_for_the_kill(undisturbed, killed)


@pytest.mark.slow
def test_a_kill_at_any_durable_operation_of_a_run_with_a_rolled_back_stage_changes_nothing(tmp_path):
    undisturbed, killed = start(tmp_path, 0, 1)
    assert sum(report["rolled back before"] for report in killed) >= 2 * 3 * 4  # the third stage's steps
    same_but_for_the_kill(undisturbed, killed)
