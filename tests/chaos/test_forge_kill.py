"""Kill -9 at any moment of a forge run costs time and nothing else: every artifact has the same CID."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.chaos import forge_tiny
from tests.chaos.loaded import loaded_machine
from tests.cli.forged import forged_workspace
from tests.forge.whole import whole_workspace

__all__ = ["forged_workspace", "whole_workspace"]


def start(folder: Path, *arguments: object, recipe: str = "tiny") -> list[dict]:
    done = subprocess.run(
        [sys.executable, forge_tiny.__file__, recipe, folder, *map(str, arguments)],
        capture_output=True, text=True, timeout=1500, check=False,
        env=os.environ | {"PYTHONHASHSEED": "4711"},
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


@pytest.fixture(scope="module")
def undisturbed(forged_workspace):
    """What the recipe gives when nobody interferes, in another process than those that are killed."""
    found = forge_tiny.contents(forged_workspace, 0)
    assert set(found["outputs"]) == {
        *(f"cognate.{name}" for name in ("tokenizer", "base", "reasoning", "memory_integration")),
        *(f"cognate.{name}" for name in ("adaptive_computation", "choose", "measure", "clock")),
        "way",
        "ship",
    }
    return found


def same_but_for_the_kills(found: list[dict], undisturbed: dict) -> None:
    assert any(workspace["resumed"] for workspace in found)  # in the middle of a training
    for workspace in found:
        for part, value in undisturbed.items():
            assert part in ("kills", "resumed") or workspace[part] == json.loads(json.dumps(value)), part


@pytest.fixture(scope="module")
def undisturbed_whole(whole_workspace):
    return forge_tiny.contents(whole_workspace, 0)


def test_a_forge_that_was_killed_three_times_gives_the_same_model(tmp_path, undisturbed):
    found = start(tmp_path, "inline", 3, 3, 3.0)
    assert sum(one["kills"] for one in found) == 3
    same_but_for_the_kills(found, undisturbed)


@pytest.mark.slow
@pytest.mark.parametrize("engine", ["inline", "processes"])
def test_a_forge_that_was_killed_twenty_times_gives_the_same_model(tmp_path, undisturbed, engine):
    found = start(tmp_path, engine, 11, 20, 6.0)
    assert sum(one["kills"] for one in found) == 20
    same_but_for_the_kills(found, undisturbed)


@pytest.mark.slow
def test_a_forge_of_all_stages_that_was_killed_gives_the_same_model(tmp_path, undisturbed_whole):
    found = start(tmp_path, "inline", 5, 15, 20.0, recipe="all")
    assert sum(one["kills"] for one in found) == 15
    same_but_for_the_kills(found, undisturbed_whole)


@pytest.mark.slow
def test_a_forge_on_a_loaded_machine_gives_the_same_model(tmp_path, undisturbed):
    with loaded_machine():
        found = start(tmp_path, "processes", 1, 5, 10.0)
    same_but_for_the_kills(found, undisturbed)
