"""A tiny recipe forged in children of one process, that are killed; started as a program.

    forge_tiny.py RECIPE FOLDER ENGINE SEED KILLS S    kill -9 KILLS times, within S seconds of a start

A child is forked when all is imported and nothing has been computed, so that no thread is lost by it. It
leads a process group of its own; of two kills one hits all of it, and one the child alone, whose workers live
on for a while; of three, one comes when a checkpoint has just been written. A workspace that comes to its end
before the last kill is followed by a new one. Prints a line of JSON: for each workspace, what is in it.
"""

import json
import os
import random
import signal
import sys
import time
from contextlib import suppress
from pathlib import Path

import bloomery.forge.bitnet.tuning
import bloomery.forge.cognate.growing
import bloomery.forge.cognate.measuring
import bloomery.forge.compression.choosing
import bloomery.forge.evomerge.parents
import bloomery.forge.evomerge.searching
import bloomery.forge.packing
import bloomery.forge.way  # noqa: F401  # all that the steps need
from bloomery.core.log import set_level
from bloomery.core.workspace import Workspace
from bloomery.forge.pipeline import forge, plan

CHILDREN: list[int] = []
ENDED = os.WEXITED | os.WNOHANG | os.WNOWAIT
RECIPES = Path(__file__).parents[1] / "integration" / "recipes"
RECIPE = RECIPES / "tiny.yaml"


def born(root: Path, engine: str) -> int:
    child = os.fork()
    if child:
        CHILDREN.append(child)
        return child
    os.setpgid(0, 0)
    code = 1
    try:
        forge(Workspace.open(root), plan(RECIPE), engine=engine)
        code = 0
    finally:
        os._exit(code)


def checkpoints(root: Path) -> set[Path]:
    return set(root.glob("runs/*/checkpoints/*/checkpoint/step-*"))


def killed(root: Path, engine: str, after_s: float | None, *, with_its_group: bool) -> bool:
    """Whether it was killed before it had finished; None: as soon as it has written a checkpoint."""
    before = checkpoints(root)
    child = born(root, engine)
    if after_s is None:
        while checkpoints(root) <= before and os.waitid(os.P_PID, child, ENDED) is None:
            time.sleep(0.005)
    else:
        time.sleep(after_s)
    if with_its_group:
        kill_group(child)
    os.kill(child, signal.SIGKILL)  # it is there, if only as a zombie, until somebody waits for it
    return _ended_by_signal(child)


def finished(root: Path, engine: str) -> None:
    if _ended_by_signal(born(root, engine)):
        raise SystemExit("a child was killed by somebody else")


def kill_group(leader: int) -> None:
    with suppress(ProcessLookupError):  # it does not lead one yet, or nothing of it is left
        os.killpg(leader, signal.SIGKILL)


def _ended_by_signal(child: int) -> bool:
    _, status = os.waitpid(child, 0)
    if not os.WIFSIGNALED(status) and os.waitstatus_to_exitcode(status) != 0:
        raise SystemExit("a child failed by itself: its error is above")
    return os.WIFSIGNALED(status)


def contents(root: Path, kills: int) -> dict[str, object]:
    """All that must not depend on kills, and how many there were."""
    workspace = Workspace.open(root)
    run = min(workspace.catalog.runs(), key=lambda run: run.started_at)  # a kill after its end: one more
    steps = workspace.catalog.steps(run.run_id)
    found = {
        "kills": kills,
        "resumed": [step.name for step in steps if "went on from a checkpoint" in step.reason],
        "status": run.status,
        "outputs": {step.name: dict(step.outputs) for step in steps},
        "store": sorted(workspace.store),
        "damaged": [str(one) for one in workspace.verify()],
        "metrics": {
            step.name: [
                [row.name, row.index, row.value] for row in workspace.catalog.metrics(run.run_id, step.name)
            ]
            for step in steps
        },
        "evidence": [
            [item.check, str(item.state), item.measured]
            for step in steps
            if not step.name.endswith(".clock")
            for item in workspace.catalog.evidence(run.run_id, step.name)
        ],
        "leftovers": [path.name for path in workspace.runs.glob("*/checkpoints")],
        "shipped": (workspace.runs / run.run_id / "model" / "README.md").is_file(),
    }
    workspace.catalog.close()
    return found


def main(root: Path, engine: str, seed: str, kills: str, within_s: str) -> list[dict[str, object]]:
    moments, left = random.Random(int(seed)), int(kills)
    places: list[Path] = []
    counts: list[int] = []
    while left or not places:
        places.append(root / str(len(places)))
        counts.append(0)
        is_killed = True
        while left and is_killed:
            after_s = moments.uniform(0.0, float(within_s)) if left % 3 else None
            is_killed = killed(places[-1], engine, after_s, with_its_group=left % 2 == 0)
            left -= is_killed
            counts[-1] += is_killed
        if is_killed:
            finished(places[-1], engine)
    return [contents(place, count) for place, count in zip(places, counts, strict=True)]


if __name__ == "__main__":
    set_level("silent")
    RECIPE = RECIPES / f"{sys.argv[1]}.yaml"
    try:
        sys.stdout.write(json.dumps(main(Path(sys.argv[2]), *sys.argv[3:])) + "\n")
    finally:
        for leader in CHILDREN:
            kill_group(leader)
