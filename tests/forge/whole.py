"""A workspace in which every stage ran: once for all tests of a process."""

import json
from pathlib import Path

import pytest

from bloomery.core.workspace import Workspace
from bloomery.forge.pipeline import forge, plan

ALL = str(Path(__file__).parents[1] / "integration" / "recipes" / "all.yaml")
_MADE: dict[Path, Path] = {}


@pytest.fixture(scope="session")
def whole_workspace(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Read it, never change it."""
    root = tmp_path_factory.getbasetemp() / "whole"
    if root not in _MADE:
        workspace = Workspace.open(root)
        forged = forge(workspace, plan(ALL), engine="inline")
        assert not forged.rolled_back
        workspace.catalog.close()
        _MADE[root] = root
    return root


def model_before_trits(place: Workspace) -> Path:
    """What quietstar chose, which bitnet makes ternary."""
    (run,) = place.catalog.runs()
    made = {step.name: dict(step.outputs) for step in place.catalog.steps(run.run_id)}
    best = json.loads(place.store.read(made["quietstar.claim"]["claims"]))["best"]
    return place.store.path({**made["quietstar.teach"], **made["quietstar.reinforce"]}[best])
