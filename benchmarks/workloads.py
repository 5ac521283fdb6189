"""Workloads for agents: a generated program, tasks that change it, and their work with planted faults."""

import json
import os
import random
import signal
import subprocess
import sys
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from pathlib import Path

from benchmarks.planted import Flags, Unit, planted, program
from bloomery.core.errors import UserError
from bloomery.core.evidence import Bar, Check, Evidence, judge
from bloomery.core.workspace import Workspace
from bloomery.optimize.changes import About, Ledger, Patch, open_ledger, propose
from bloomery.optimize.changes.worktree import worktree
from bloomery.optimize.coordinating import Job, Outcome, enqueue
from bloomery.optimize.task import OptimizationTask

MODULE = "work.py"
RUN = (
    "import pathlib\n\nimport work\n\nfor path in sorted(pathlib.Path('checks').glob('*.py')):\n"
    "    exec(compile(path.read_text(), str(path), 'exec'))\n"
)
PASSES = Check(name="checks", bar=Bar(op="==", value=0), unit="exit code", meaning="what the checks say")
FAULTS = {"dies": 0.1, "raises": 0.1, "wrong": 0.04, "subtly wrong": 0.15, "impossible": 0.04}


@dataclass(frozen=True)
class Load:
    """One workload in a folder of its own."""

    root: Path
    space: Path
    units: tuple[Unit, ...]
    faults: dict[str, str]

    def names(self, number: int) -> tuple[str, str]:
        return f"u{number}_0", f"u{number}_1"

    def flags(self, number: int, names: Collection[str]) -> Flags:
        one, other = self.names(number)
        return one in names, other in names


def made(folder: Path, seed: int, pairs: int) -> Load:
    rng = random.Random(seed)
    units = planted(rng, pairs)
    names = [f"u{number}_{side}" for number in range(pairs) for side in (0, 1)]
    faults = {name: _fault(rng) for name in names}
    root = folder / "tree"
    root.mkdir()
    (root / "checks").mkdir()
    files = {MODULE: program(units), "run.py": RUN, "checks/base.py": "assert work.PI > 3\n"}
    for path, text in files.items():
        (root / path).write_text(text)
    for words in (("init", "--quiet", "--initial-branch=dev"), ("add", "--all"), ("commit", "-qm", "first")):
        subprocess.run(
            ["git", "-c", "user.name=a", "-c", "user.email=a@localhost", *words], cwd=root, check=True
        )
    return Load(root, folder / "space", tuple(units), faults)


def _fault(rng: random.Random) -> str:
    drawn, sum_ = rng.random(), 0.0
    for fault, share in FAULTS.items():
        sum_ += share
        if drawn < sum_:
            return fault
    return ""


def queue(load: Load, workspace: Workspace, seed: int) -> None:
    rng = random.Random(f"{seed}, order")
    asked = [(number, side) for number in range(len(load.units)) for side in (0, 1)]
    rng.shuffle(asked)
    for number, side in asked:
        edit, name = load.units[number].edits[side], load.names(number)[side]
        pairs, fault = [list(pair) for pair in edit.pairs], load.faults[name]
        if fault == "subtly wrong" and edit.subtly is None:
            fault = load.faults[name] = ""
        if fault == "subtly wrong":
            pairs.append(list(edit.subtly or ()))
        if fault == "impossible":
            pairs.append(["no such text", "x"])
        check = "assert not 'wrong'" if fault == "wrong" else edit.check
        said = {"name": name, "pairs": pairs, "check": check, "fault": fault}
        task = OptimizationTask(root=load.root, paths=(MODULE,), goal="speed", description=json.dumps(said))
        enqueue(workspace, task, priority=rng.randrange(101))


def working(task: OptimizationTask, folder: Path, job: Job) -> Outcome:
    """What the description says, and the fault that is planted in it."""
    said = json.loads(task.description)
    if said["fault"] == "raises" and job.record.attempts == 1:
        raise OSError("the network is down")
    text = (folder / MODULE).read_text()
    for old, new in said["pairs"]:
        if old not in text:
            raise UserError(f"there is no {old!r}")
        text = text.replace(old, new, 1)
    if said["fault"] == "dies" and job.record.attempts == 1:
        (folder / MODULE).write_text(text)
        os.kill(os.getpid(), signal.SIGKILL)
    ledger = open_ledger(job.workspace, folder, job.rules)
    about = About(proposer=job.agent, goal=task.goal, description=said["name"])
    texts = {MODULE: text, f"checks/{said['name']}.py": said["check"] + "\n"}
    return Outcome((propose(ledger, about, texts=texts).cid,))


def checking(ledger: Ledger, patch: Patch, tasks: Sequence[OptimizationTask]) -> list[Evidence]:
    with worktree(ledger, "validation", patch=patch.cid) as folder:
        done = subprocess.run([sys.executable, "-S", "run.py"], cwd=folder, capture_output=True, check=False)
    return [judge(PASSES, float(done.returncode), how="python run.py", duration_s=0.0)]
