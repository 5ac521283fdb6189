"""A workspace's runs, found by what people call them, listed and compared; on small made-up records."""

from datetime import UTC, datetime, timedelta

import pytest

from bloomery.core.catalog import database
from bloomery.core.errors import UnknownName, UserError
from bloomery.core.evidence import Bar, Check, measure
from bloomery.core.workspace import Workspace
from bloomery.forge import runs

START = datetime(2026, 1, 1, tzinfo=UTC)


@pytest.fixture
def workspace(tmp_path):
    return Workspace.open(tmp_path / "ws")


@pytest.fixture
def at(monkeypatch):
    """Sets the catalog's clock, in minutes."""

    def put(minutes: float) -> None:
        monkeypatch.setattr(database, "_now", lambda: START + timedelta(minutes=minutes))

    return put


def begin(workspace, run_id, **config):
    workspace.catalog.start_run(run_id, recipe="r", config=config, seed=0, environment={})


def test_without_a_name_the_run_that_was_last_at_work_is_meant(workspace, at):
    for minute, run_id in enumerate(["a1", "b1", "b2"]):
        at(minute)
        begin(workspace, run_id)
    at(10)
    workspace.catalog.finish_run("b1", "done")
    workspace.catalog.finish_run("b2", "done")
    assert runs.find_run(workspace).run_id == "a1"  # it still runs
    at(11)
    workspace.catalog.finish_run("a1", "paused")
    at(12)
    workspace.catalog.finish_run("b1", "done")
    assert runs.find_run(workspace).run_id == "b1"


def test_a_run_is_found_by_the_beginning_of_its_id_if_it_is_the_only_one(workspace):
    for run_id in ("a1", "b1", "b10"):
        begin(workspace, run_id)
    assert runs.find_run(workspace, "a").run_id == "a1"
    assert runs.find_run(workspace, "b1").run_id == "b1"
    with pytest.raises(UserError, match="begins the ids of 2 runs"):
        runs.find_run(workspace, "b")
    with pytest.raises(UnknownName, match="unknown run 'c'"):
        runs.find_run(workspace, "c")


def test_a_workspace_without_runs_says_how_to_start_one(workspace):
    with pytest.raises(UserError, match="bloomery forge run"):
        runs.find_run(workspace)


def test_a_model_that_was_rolled_back_is_not_what_the_run_gave(workspace):
    begin(workspace, "r1")
    for name, status in (("ship", "rolled_back"), ("other", "done")):
        workspace.catalog.start_step("r1", name, name)
        workspace.catalog.finish_step("r1", name, status, {"shipped": name} if name == "ship" else {}, 1.0)
    assert runs.show_run(workspace).model is None
    workspace.catalog.finish_step("r1", "ship", "done", {"shipped": "cid"}, 1.0)
    assert runs.show_run(workspace).model == "cid"


def test_a_running_run_is_running_while_its_process_lives(workspace):
    begin(workspace, "r1")
    assert runs.show_run(workspace).status == "killed"
    with workspace.lock("run r1"):
        assert runs.show_run(workspace).status == "running"


def test_runs_are_compared_by_the_settings_that_differ_and_each_check_of_either(workspace):
    check = Check(name="accuracy", bar=Bar(op=">=", value=0.5))
    for run_id, steps, accuracy in (("a1", 10, 0.4), ("b1", 20, 0.6)):
        begin(workspace, run_id, steps=steps, seed=3)
        workspace.catalog.start_step(run_id, "bitnet.measure", run_id)
        workspace.catalog.add_evidence(run_id, "bitnet.measure", measure(check, lambda v=accuracy: v))
    found = runs.compare_runs(workspace, "a", "b")
    assert found.settings == {"b1": ["steps: 10 -> 20"]}
    (row,) = found.evidence.values()
    assert list(found.evidence) == ["bitnet: accuracy"]
    assert {run: (one.measured, one.state) for run, one in row.items()} == {
        "a1": (0.4, "failed"),
        "b1": (0.6, "passed"),
    }


@pytest.mark.parametrize("names", [["a"], ["a", "a1"]])
def test_a_run_is_not_compared_with_itself(workspace, names):
    begin(workspace, "a1")
    with pytest.raises(UserError, match="only run a1 is named; name another one"):
        runs.compare_runs(workspace, *names)
