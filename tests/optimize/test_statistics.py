"""Statistics of what a catalog holds."""

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from bloomery.core.evidence import Bar, Check, judge
from bloomery.core.workspace import Workspace
from bloomery.optimize.changes.approving import Findings
from bloomery.optimize.statistics import Figure, statistics


@pytest.fixture
def workspace(tmp_path: Path) -> Workspace:
    return Workspace.open(tmp_path / "space")


def figures(workspace: Workspace, **options: object) -> dict[str, Figure]:
    return {one.name: one for one in statistics(workspace, **options)}


def patch(workspace: Workspace, cid: str, goal: str, status: str, **measured: float) -> None:
    """A patch in a state, with what was measured of it by the name of the check."""
    records = workspace.catalog.changes
    records.add_patch(cid, about="a", goal=goal, proposer="p", description="", parents=(), paths=("m.py",))
    evidence = tuple(
        judge(
            Check(name=name, bar=Bar(op=">", value=1), required=value > 1 or len(measured) == 1),
            value,
            how="",
            duration_s=0.0,
        )
        for name, value in measured.items()
    )
    digest = workspace.store.put_bytes(Findings(cid, evidence).encoded())
    passed = status != "failed"
    records.set_evidence(cid, digest, passed=passed, actor="validation")
    if status == "applied":
        records.add_decision(cid, evidence=digest, decision="approved", kind="person", by="Ada", reason="")
        records.add_application(cid, cid, root="/r", branch="dev", files={}, actor="Ada")


def test_gains_are_those_measured_of_what_is_applied_and_of_what_is_put_up(workspace: Workspace) -> None:
    for number, gain in enumerate((1.5, 2.0, 4.0)):
        patch(workspace, f"applied{number}", "speed", "applied", faster=gain)
    patch(workspace, "waits", "memory", "validated", smaller=3.0)
    patch(workspace, "fails", "speed", "failed", faster=0.9)
    patch(workspace, "safe", "security", "applied", safer=2.0, faster=0.5)  # not what it was for
    found = figures(workspace)
    assert (found["times as fast, applied"].value, found["times as fast, applied"].of) == (2.0, 3)
    assert found["times as fast, put up"].value is None
    assert found["times less memory, put up"].value == 3.0
    assert found["security findings mended, applied"].value == 2.0
    assert found["patches that pass"].value == pytest.approx(5 / 6)
    assert found["approved"].value == 1.0


def test_use_of_github_and_models_is_counted_by_what_it_cost(workspace: Workspace) -> None:
    for requests, reads, unchanged in ((10, 8, 2), (10, 8, 8)):
        body = {"requests": requests, "reads": reads, "unchanged": unchanged}
        workspace.catalog.changes.note("github", "asked", "a/b", body)
    calls = workspace.catalog.calls
    call = calls.reserve(scope="s", purpose="p", model="m", tokens=50, cost_pico=10**12, limits=())
    calls.settle(call, "settled", tokens=40, cost_pico=5 * 10**11)
    calls.reused(scope="s", purpose="p", model="m", key="k", answer="cid")
    found = figures(workspace)
    assert found["requests to GitHub"].value == 20
    assert found["answers of GitHub from the cache"].value == 10 / 16
    spent = [found[name].value for name in ("calls of language models", "tokens", "cost")]
    assert spent == [1, 40, 0.5]
    assert found["answers of models from the cache"].value == 0.5


def test_what_was_noted_counts_by_its_value(workspace: Workspace) -> None:
    workspace.catalog.events.note("weakness_found", "m.py", value=3, key="k")
    workspace.catalog.events.note("weakness_found", "m.py", value=3, key="k")
    workspace.catalog.events.note("weakness_found", "n.py")
    found = figures(workspace)
    assert found["weaknesses that faults showed"].value == 4
    assert found["security findings"].value is None


def test_what_lies_before_does_not_count(workspace: Workspace) -> None:
    patch(workspace, "old", "speed", "applied", faster=2.0)
    workspace.catalog.events.note("weakness_found", "m.py")
    later = datetime.now(UTC) + timedelta(seconds=1)
    assert {one.value for one in statistics(workspace, since=later)} == {None}
    assert figures(workspace, since=later - timedelta(days=1))["rolled back"].value == 0


def test_an_evidence_that_is_gone_is_not_counted(workspace: Workspace) -> None:
    patch(workspace, "p", "speed", "applied", faster=2.0)
    digest = workspace.catalog.changes.patch("p").evidence
    path = workspace.store.path(digest)
    path.chmod(0o600)
    path.unlink()
    assert figures(workspace)["times as fast, applied"].value is None
