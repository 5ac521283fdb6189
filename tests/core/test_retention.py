from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from sqlalchemy import update

from bloomery.core.catalog.tables import runs
from bloomery.core.cid import cid_of_bytes
from bloomery.core.config import build
from bloomery.core.errors import ConfigError, UnknownName, WorkspaceBusy
from bloomery.core.retention import Retention, clean, plan
from bloomery.core.workspace import Workspace

OFF = Retention(keep_days=None, keep_failed_days=None, keep_runs=None)


@pytest.fixture
def workspace(tmp_path: Path) -> Workspace:
    return Workspace.open(tmp_path / ".bloomery")


def later(days: float) -> datetime:
    return datetime.now(UTC) + timedelta(days=days)


def run(
    workspace: Workspace,
    run_id: str,
    outputs: tuple[str, ...] = (),
    *,
    parents: tuple[str, ...] = (),
    status="done",
) -> list[str]:
    """A finished run with one step; the CIDs of its outputs, each with its own name as content."""
    catalog = workspace.catalog
    catalog.start_run(run_id, recipe="x", config={}, seed=0, environment={})
    catalog.start_step(run_id, "step", "key")
    cids = [workspace.store.put_bytes(name.encode()) for name in outputs]
    for name, cid in zip(outputs, cids, strict=True):
        catalog.add_artifact(
            cid, kind="f", size_bytes=len(name), run_id=run_id, step="step", name=name, parents=parents
        )
    catalog.finish_step(run_id, "step", "done", dict(zip(outputs, cids, strict=True)), 0.0)
    if status != "running":
        catalog.finish_run(run_id, status)
    (workspace.runs / run_id).mkdir()
    (workspace.runs / run_id / "config.yaml").write_text("{}")
    return cids


def left(workspace: Workspace) -> tuple[list[str], list[str]]:
    """The runs and the contents of the artifacts that are there, each run with its folder."""
    runs = [record.run_id for record in workspace.catalog.runs()]
    assert sorted(runs) == sorted(path.name for path in workspace.runs.iterdir())
    return runs, sorted(workspace.store.read(cid).decode() for cid in workspace.store)


@pytest.mark.parametrize(
    ("status", "days", "kept"),
    [
        ("done", 29.9, True),
        ("done", 30.1, False),
        ("failed", 6.9, True),
        ("failed", 7.1, False),
        ("paused", 7.1, True),
        ("killed", 7.1, True),
        ("running", 29.9, True),
        ("running", 30.1, False),
    ],
)
def test_the_age_limits_are_thirty_days_and_seven_for_failures(
    workspace: Workspace, status: str, days: float, kept: bool
) -> None:
    run(workspace, "r", ("a",), status=status)
    clean(workspace, Retention(), now=later(days))
    assert left(workspace) == ((["r"], ["a"]) if kept else ([], []))


def test_a_run_is_as_old_as_what_it_did_last(workspace: Workspace) -> None:
    """It began long ago, was resumed, and a power cut left no word of its end."""
    run(workspace, "r", ("a",), status="running")
    with workspace.catalog._database.writing() as connection:
        connection.execute(update(runs).values(started_at=later(-40)))
    assert clean(workspace, Retention()).runs == ()
    assert clean(workspace, Retention(), now=later(31)).runs == ("r",)


def test_at_most_a_hundred_runs_are_kept_the_newest(workspace: Workspace) -> None:
    for number in range(102):
        workspace.catalog.start_run(f"r{number:03}", recipe="x", config={}, seed=0, environment={})
    assert plan(workspace, Retention()).runs == ("r000", "r001")


@pytest.mark.parametrize("rule", ["keep_days", "keep_failed_days", "keep_runs"])
def test_each_rule_acts_alone_and_can_be_switched_off(workspace: Workspace, rule: str) -> None:
    run(workspace, "r", status="failed")
    only = {"keep_days": None, "keep_failed_days": None, "keep_runs": None} | {rule: 0}
    assert plan(workspace, Retention(**only), now=later(1)).runs == ("r",)
    assert plan(workspace, OFF, now=later(10_000)).runs == ()


def test_what_a_kept_run_made_or_used_is_kept(workspace: Workspace) -> None:
    (corpus,) = run(workspace, "oldest", ("corpus",))
    base, _ = run(workspace, "older", ("base", "scratch"), parents=(corpus,))
    run(workspace, "new", ("tuned",), parents=(base,))
    removal = clean(workspace, Retention(keep_runs=1))
    assert left(workspace) == (["new"], ["base", "tuned"])
    assert removal.runs == ("oldest", "older")
    assert removal.size_bytes == len("corpus") + len("scratch")
    assert sorted(removal.artifacts) == sorted(map(cid_of_bytes, (b"corpus", b"scratch")))


def test_what_two_runs_made_goes_with_the_second(workspace: Workspace) -> None:
    run(workspace, "first", ("same",))
    run(workspace, "second", ("same",))
    clean(workspace, Retention(keep_runs=1))
    assert left(workspace) == (["second"], ["same"])
    clean(workspace, Retention(keep_runs=0))
    assert left(workspace) == ([], [])


def test_the_lineage_of_what_is_kept_stays_readable(workspace: Workspace) -> None:
    (corpus,) = run(workspace, "oldest", ("corpus",))
    (base,) = run(workspace, "older", ("base",), parents=(corpus,))
    (tuned,) = run(workspace, "new", ("tuned",), parents=(base,))
    (other,) = run(workspace, "aside", ("other",))
    clean(workspace, Retention(keep_runs=2))
    assert [ancestor.name for ancestor in workspace.catalog.lineage(tuned).ancestors()] == ["base", "corpus"]
    clean(workspace, Retention(keep_runs=1))
    assert [artifact.cid for artifact in workspace.catalog.artifacts()] == [other]


def test_a_dry_run_says_the_same_and_removes_nothing(workspace: Workspace) -> None:
    run(workspace, "r", ("a",))
    before = left(workspace)
    would = clean(workspace, Retention(keep_runs=0), dry_run=True)
    assert left(workspace) == before
    assert clean(workspace, Retention(keep_runs=0)) == would
    assert (would.runs, would.size_bytes) == (("r",), 1)


def test_what_the_catalog_does_not_know_is_listed_and_kept_unless_told(workspace: Workspace) -> None:
    cid = workspace.store.put_bytes(b"pulled")
    assert clean(workspace, Retention(keep_runs=0)).unknown == (cid,)
    assert workspace.store.has(cid)
    assert clean(workspace, Retention(remove_unknown=True)).artifacts == (cid,)
    assert not workspace.store.has(cid)


def test_what_was_brought_in_from_outside_is_kept(workspace: Workspace) -> None:
    cid = workspace.store.put_bytes(b"imported")
    workspace.catalog.add_artifact(cid, kind="f", size_bytes=8, name="imported")
    clean(workspace, Retention(keep_runs=0, remove_unknown=True))
    assert workspace.store.read(cid) == b"imported"


def test_cleaning_waits_for_no_run_and_disturbs_none(workspace: Workspace) -> None:
    run(workspace, "r", ("a",))
    with workspace.lock("run"):
        with pytest.raises(WorkspaceBusy):
            clean(workspace, Retention(keep_runs=0))
        assert clean(workspace, Retention(keep_runs=0), dry_run=True).runs == ("r",)
    assert left(workspace) == (["r"], ["a"])


@pytest.mark.parametrize("moment", ["store.remove", "catalog.delete_run", "catalog.forget_artifacts"])
def test_a_clean_that_was_killed_is_finished_by_the_next(
    workspace: Workspace, moment: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    for number in range(3):
        run(workspace, f"r{number}", (f"a{number}",))
    owner, method = moment.split(".")
    calls = []
    original = getattr(type(getattr(workspace, owner)), method)

    def killed(self: object, *arguments: object) -> None:
        calls.append(arguments)
        if len(calls) == 2 or method == "forget_artifacts":
            raise KeyboardInterrupt
        original(self, *arguments)

    with monkeypatch.context() as patch:
        patch.setattr(type(getattr(workspace, owner)), method, killed)
        with pytest.raises(KeyboardInterrupt):
            clean(workspace, Retention(keep_runs=1))
    clean(workspace, Retention(keep_runs=1))
    assert left(workspace) == (["r2"], ["a2"])
    assert [artifact.name for artifact in workspace.catalog.artifacts()] == ["a2"]
    with pytest.raises(UnknownName):
        workspace.catalog.run("r0")


def test_the_policy_is_a_config_with_bounds() -> None:
    assert build(Retention, {"keep_days": None, "keep_runs": 5}) == Retention(keep_days=None, keep_runs=5)
    with pytest.raises(ConfigError, match="keep_runs"):
        build(Retention, {"keep_runs": -1})
