"""Several agents at one task, with fakes for what each of them does."""

from dataclasses import asdict
from pathlib import Path

import pytest

from bloomery.core.evidence import Bar, Check, judge
from bloomery.optimize.changes import About, propose
from bloomery.optimize.changes.ledger import Ledger
from bloomery.optimize.changes.repository import Repository
from bloomery.optimize.changes.rules import DEFAULT
from bloomery.optimize.coordinating import Outcome
from bloomery.optimize.reporting import Tried
from bloomery.optimize.targets import named
from bloomery.optimize.together import optimize_together

PASSES = Check(name="tests", bar=Bar(op="==", value=0))


def adding(task, folder, job):
    """Puts a line in front of its file."""
    (path,) = task.paths
    if path.endswith("__init__.py"):
        raise ValueError("nothing to do here")
    text = "LINE = 1\n" + (Path(folder) / path).read_text()
    ledger = Ledger(job.workspace, Repository.open(folder), DEFAULT)
    patch = propose(ledger, About(proposer="adding", goal=task.goal, operator="line"), texts={path: text})
    row = Tried(path=path, function=None, proposer="adding", operator="line", why="", fate="kept",
                patch=patch.cid)  # fmt: skip
    report = {"tried": [asdict(row)], "tests": {"passed": 2}, "notes": ["one note"], "remembered": 0}
    return Outcome((patch.cid,), {"report": report})


def agreeing(ledger, patch, tasks):
    return (judge(PASSES, 0, how="it is taken as given", duration_s=0),)


@pytest.mark.slow
def test_each_file_is_worked_on_and_the_reports_are_put_together(shop):
    before = shop.files
    task = named([shop.root / "src"], "speed", most=3).task
    report = optimize_together(
        shop.workspace, task, method="test-driven", agents=2, work=adding, validate=agreeing
    )
    assert [(one.path, one.fate) for one in report.tried] == [("src/shop/orders.py", "kept")]
    assert report.next == f"bloomery patches apply {report.kept[0].patch}"
    assert report.facts["tasks"] == 2
    assert any("src/shop/__init__.py: ValueError" in note for note in report.notes)
    assert report.notes.count("one note") == 1
    assert shop.files == before
