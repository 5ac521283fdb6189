"""Three toy stages, of which the second is rolled back, forged in children that are killed; a program.

    rolled_back.py FOLDER FIRST STRIDE    kill -9 at each STRIDE-th seam from FIRST on, finish

A seam is the moment before or after a durable operation. Prints a line of JSON: first what an undisturbed run
gives, then for each kill the same, and whether the second stage had been rolled back when it came.
"""

import json
import shutil
import sys
from pathlib import Path

from bloomery.core.log import set_level
from bloomery.core.workspace import Workspace
from bloomery.forge import pipeline
from tests.chaos.small_recipe import killed
from tests.forge import toy

ROLLED_BACK = "second.measure"


def forge(workspace: Workspace) -> pipeline.Forged:
    plan = toy.toy_plan(first={"quality": 1}, second={"quality": 0.25}, third={"quality": 2})
    return pipeline.forge(workspace, plan, engine="inline")


def found(workspace: Workspace) -> dict[str, object]:
    """All that must not depend on a kill, of the run that the kill hit."""
    forged = forge(workspace)
    run = min(workspace.catalog.runs(), key=lambda run: run.started_at)  # a kill after its end: one more
    steps = workspace.catalog.steps(run.run_id)
    return {
        "status": run.status,
        "quality": (forged.folder / "quality").read_text(),
        "ancestors": (forged.folder / "ancestors").read_text(),
        "objections": {stage: list(reasons) for stage, reasons in forged.rolled_back.items()},
        "steps": [[step.name, step.status, dict(step.outputs)] for step in steps],
        "notes": [step.reason for step in steps if step.status == "rolled_back"],
        "evidence": [
            [item.check, str(item.state), item.measured]
            for item in workspace.catalog.evidence(run.run_id, ROLLED_BACK)
        ],
        "leftovers": [path.name for path in workspace.runs.glob("*/checkpoints")],
    }


def was_rolled_back(workspace: Workspace) -> bool:
    runs = workspace.catalog.runs()
    steps = [step for run in runs for step in workspace.catalog.steps(run.run_id)]
    return ("rolled_back", ROLLED_BACK) in {(step.status, step.name) for step in steps}


def main(root: Path, first: str, stride: str) -> list[dict[str, object]]:
    Workspace.open(root / "empty")
    reports, seam = [found(Workspace.open(root / "undisturbed"))], int(first)
    while True:
        place = shutil.copytree(root / "empty", root / str(seam))
        if not killed(place, at_seam=seam, work=forge):
            return reports
        workspace = Workspace.open(place)
        before = was_rolled_back(workspace)
        reports.append(found(workspace) | {"rolled back before": before})
        seam += int(stride)


if __name__ == "__main__":
    set_level("silent")
    pipeline.ORDER = (toy.FIRST, toy.SECOND, toy.stage("third", takes=("model",)))
    pipeline.ship = lambda run, model, card: model  # what is shipped is the model itself
    pipeline.render_html = lambda data, charts: data["run"]["status"]  # plots are slow
    sys.stdout.write(json.dumps(main(Path(sys.argv[1]), *sys.argv[2:])) + "\n")
