"""Work and validation for tests: edits that a task's description spells out, judged by a program."""

import json
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

from bloomery.core.errors import UserError
from bloomery.core.evidence import Bar, Check, Evidence, judge
from bloomery.optimize.changes import About, Ledger, Patch, open_ledger, propose
from bloomery.optimize.changes.worktree import worktree
from bloomery.optimize.coordinating import Job, Outcome
from bloomery.optimize.task import OptimizationTask

MODULE = '''"""What agents change."""

import math

LIMIT = 10


def total(items):
    found = 0
    for item in items:
        found = found + item
    return found


def largest(items):
    found = -math.inf
    for item in items:
        if item > found:
            found = item
    return found


def words(text):
    parts = []
    for part in text.split(" "):
        parts.append(part)
    return parts
'''
CHECK = """import ops

assert ops.total([1, 2, 3]) == 6
assert ops.largest([1, 5, 2]) == 5
assert ops.words("a b") == ["a", "b"]
assert ops.LIMIT >= 10
assert ops.LIMIT * len(ops.words("a")) < 1000
"""
PASSES = Check(name="check", bar=Bar(op="==", value=0), unit="exit code", meaning="what the program says")


def edits(*pairs: tuple[str, str]) -> str:
    return json.dumps(pairs)


def editing(task: OptimizationTask, folder: Path, job: Job) -> Outcome:
    """Replaces what the description says."""
    path = task.paths[0]
    text = (folder / path).read_text()
    for old, new in json.loads(task.description):
        if old not in text:
            raise UserError(f"{path} has no {old!r}")
        text = text.replace(old, new, 1)
    ledger = open_ledger(job.workspace, folder, job.rules)
    about = About(proposer=job.agent, goal=task.goal, description=f"edits of {job.record.name}")
    return Outcome((propose(ledger, about, texts={path: text}).cid,), {"edits": 1})


def checking(ledger: Ledger, patch: Patch, tasks: Sequence[OptimizationTask]) -> list[Evidence]:
    """Runs `check.py` on the tree with the patch in it."""
    with worktree(ledger, "validation", patch=patch.cid) as folder:
        done = subprocess.run([sys.executable, "-S", "check.py"], cwd=folder, capture_output=True)
    return [judge(PASSES, float(done.returncode), how="python check.py", duration_s=0.1)]
