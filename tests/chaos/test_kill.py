"""Kill -9 at any moment costs time and nothing else."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.chaos.loaded import loaded_machine

RECIPE = Path(__file__).with_name("small_recipe.py")


def start(*arguments: object, slowness: float = 1.0) -> list[dict]:
    command = [sys.executable, RECIPE, *map(str, arguments)]
    environment = os.environ | {"SLOWNESS": str(slowness)}
    done = subprocess.run(command, capture_output=True, text=True, timeout=300, check=False, env=environment)
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


@pytest.fixture(scope="module")
def undisturbed(tmp_path_factory):
    """What the recipe gives when nobody interferes."""
    (report,) = start(tmp_path_factory.mktemp("undisturbed"), "once")
    assert report["steps"] == dict.fromkeys(["mine", "wash", "smelt", "hammer", "hammer again"], "done")
    return report


def same_but_for_the_kills(report: dict, undisturbed: dict) -> None:
    assert {**report, "kills": 0} == undisturbed


def test_a_run_killed_at_random_moments_gives_the_same_artifacts(tmp_path, undisturbed):
    (report,) = start(tmp_path, "random", 5, 4, 0.4)
    assert report["kills"] >= 3
    same_but_for_the_kills(report, undisturbed)


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(3))
def test_a_run_killed_twenty_times_gives_the_same_artifacts(tmp_path, undisturbed, seed):
    (report,) = start(tmp_path, "random", seed, 20, 0.25)
    assert report["kills"] == 20
    same_but_for_the_kills(report, undisturbed)


@pytest.mark.slow
def test_a_kill_before_or_after_any_durable_operation_changes_nothing(tmp_path, undisturbed):
    *reports, last = start(tmp_path, "seams", slowness=0.0)
    assert len(reports) >= 2 * 5 * 4  # five steps; each starts, puts, records an artifact and finishes
    for report in reports:
        same_but_for_the_kills(report, undisturbed)
    assert last["runs"] == ["done", "done"]  # it was killed when it had just been done
    same_but_for_the_kills({**last, "runs": ["done"], "steps": undisturbed["steps"]}, undisturbed)


@pytest.mark.slow
def test_a_run_on_a_loaded_machine_gives_the_same_artifacts(tmp_path, undisturbed):
    with loaded_machine():
        (report,) = start(tmp_path, "random", 1, 5, 0.5)
    same_but_for_the_kills(report, undisturbed)
