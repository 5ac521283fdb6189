"""A recipe of five small steps in plain Python, run in children that are killed; started as a program.

    small_recipe.py WORKSPACE once                    run it undisturbed
    small_recipe.py WORKSPACE random SEED KILLS S     kill -9 at KILLS random moments within S seconds, finish
    small_recipe.py FOLDER seams                      kill -9 before and after each durable operation, finish

Prints a line of JSON: for each workspace the outputs' CIDs and what the kills left there.
"""

import hashlib
import json
import os
import random
import shutil
import signal
import sys
import time
from collections.abc import Callable
from pathlib import Path

from bloomery.core.catalog import Catalog
from bloomery.core.log import set_level
from bloomery.core.run import Run
from bloomery.core.step import StepContext
from bloomery.core.store import Store
from bloomery.core.workspace import Workspace

SLICES = 20
SLOWNESS = float(os.environ.get("SLOWNESS", "1"))  # time enough to be killed in; decides nothing
DURABLE = [(Store, "put")] + [
    (Catalog, name)
    for name in ("start_run", "start_step", "add_artifact", "add_metrics", "finish_step", "finish_run")
]


def mine(context: StepContext) -> None:
    (context.output / "ore").write_bytes(random.Random(context.seed).randbytes(600_000))


def wash(context: StepContext) -> None:
    """Works in slices and keeps a checkpoint of each, as a training step does."""
    saved = context.checkpoint / "state.json"
    done, digest = json.loads(saved.read_text()) if saved.exists() else (0, "")
    ore = context.inputs["ore"].read_bytes()
    for piece in range(done + 1, SLICES + 1):
        digest = hashlib.sha256(digest.encode() + ore[piece::SLICES]).hexdigest()
        context.metric("washed", float(piece), piece)
        saved.with_suffix(".partial").write_text(json.dumps([piece, digest]))
        saved.with_suffix(".partial").rename(saved)
        time.sleep(0.1 * SLOWNESS / SLICES)
    (context.output / "clean").mkdir()
    (context.output / "clean" / "digest").write_text(digest)
    (context.output / "clean" / "size").write_text(str(len(ore)))


def smelt(context: StepContext) -> None:
    time.sleep(0.05 * SLOWNESS)
    (context.output / "bloom").write_text(
        context.config["heat"] + (context.inputs["clean"] / "digest").read_text()
    )
    (context.output / "slag.txt").write_text("slag")


def hammer(context: StepContext) -> None:
    time.sleep(0.05 * SLOWNESS)
    (context.output / "bar").write_text(context.inputs["bloom"].read_text()[::-1])


def forge(workspace: Workspace) -> dict[str, str]:
    with Run.start(workspace, recipe="small", config={"heat": "white"}, seed=11) as run:
        ore = run.step("mine", mine)
        clean = run.step("wash", wash, inputs=ore.outputs)
        bloom = run.step("smelt", smelt, config=run.config, inputs=clean.outputs)
        bar = run.step("hammer", hammer, inputs={"bloom": bloom.outputs["bloom"]})
        again = run.step("hammer again", hammer, inputs={"bloom": bar.outputs["bar"]})
    return {**ore.outputs, **clean.outputs, **bloom.outputs, **bar.outputs, "twice": again.outputs["bar"]}


def killed(
    root: Path,
    *,
    after_s: float | None = None,
    at_seam: int | None = None,
    work: Callable[[Workspace], object] = forge,
) -> bool:
    """Run in a child and kill it; whether it was killed before it had finished."""
    child = os.fork()
    if child == 0:
        if at_seam is not None:
            kill_at(at_seam)
        work(Workspace.open(root))
        os._exit(0)
    if after_s is not None:
        time.sleep(after_s)
        os.kill(child, signal.SIGKILL)
    _, status = os.waitpid(child, 0)
    if not os.WIFSIGNALED(status) and os.waitstatus_to_exitcode(status) != 0:
        raise SystemExit("a child failed by itself: its error is above")
    return os.WIFSIGNALED(status)


def kill_at(seam: int) -> None:
    """Kill this process at the given one of the moments before and after its durable operations."""
    seams = iter(range(seam + 1))

    def at_a_seam() -> None:
        if next(seams, seam) == seam:
            os.kill(os.getpid(), signal.SIGKILL)

    def guard(owner: type, name: str) -> None:
        operation = getattr(owner, name)

        def guarded(*arguments: object, **named: object) -> object:
            at_a_seam()
            result = operation(*arguments, **named)
            at_a_seam()
            return result

        setattr(owner, name, guarded)

    for owner, name in DURABLE:
        guard(owner, name)


def report(root: Path, kills: int) -> dict[str, object]:
    """Finish what the kills left and say what is there now."""
    workspace = Workspace.open(root)
    outputs = forge(workspace)
    runs = workspace.catalog.runs()
    return {
        "outputs": outputs,
        "kills": kills,
        "runs": [run.status for run in runs],
        "metrics": [[m.index, m.value] for m in workspace.catalog.metrics(runs[0].run_id, "wash", "washed")],
        "steps": {step.name: step.status for step in workspace.catalog.steps(runs[0].run_id)},
        "leftovers": [path.name for path in workspace.runs.glob("*/checkpoints")],
    }


def at_random_moments(root: Path, seed: str, kills: str, within_s: str) -> list[dict[str, object]]:
    moments = random.Random(int(seed))
    return [
        report(
            root, sum(killed(root, after_s=moments.uniform(0.0, float(within_s))) for _ in range(int(kills)))
        )
    ]


def at_each_seam(root: Path) -> list[dict[str, object]]:
    """One workspace for each seam, until a run comes through without meeting its seam."""
    Workspace.open(root / "empty")
    seam, reports = 0, []
    while True:
        place = shutil.copytree(root / "empty", root / str(seam))
        if not killed(place, at_seam=seam):
            return reports
        reports.append(report(place, 1))
        seam += 1


if __name__ == "__main__":
    set_level("silent")
    place, how, *rest = sys.argv[1:]
    ways = {"once": lambda root: [report(root, 0)], "random": at_random_moments, "seams": at_each_seam}
    sys.stdout.write(json.dumps(ways[how](Path(place), *rest)) + "\n")
