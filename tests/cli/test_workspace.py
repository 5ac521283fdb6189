"""bloomery workspace, on a forged workspace."""

import inspect
import json

import pytest

from bloomery.cli import workspace as verbs
from bloomery.core.retention import Retention
from bloomery.core.workspace import Workspace


@pytest.fixture
def shipped(forged_workspace):
    return Workspace.open(forged_workspace).catalog.artifacts("shipped model")[0].cid


def test_ls_shows_runs_and_artifacts_within_80_columns(bloomery, forged_workspace, monkeypatch):
    monkeypatch.setenv("COLUMNS", "80")
    said = bloomery("workspace", "ls", "-w", forged_workspace)
    assert "8 artifacts in the store" in said.out
    assert max(map(len, said.out.splitlines()[1:])) <= 80
    everything = json.loads(bloomery("workspace", "ls", "-w", forged_workspace, "--json").out)
    assert len(everything["artifacts"]) == 8
    assert [run["status"] for run in everything["runs"]] == ["done"]


def test_a_sound_workspace_is_verified(bloomery, forged_workspace):
    said = bloomery("workspace", "verify", "-w", forged_workspace, "--json")
    assert (said.code, json.loads(said.out)) == (0, {"checked": 8, "damaged": []})


def test_clean_keeps_young_runs_and_removes_all_when_told_to_keep_none(bloomery, workspace):
    kept = json.loads(bloomery("workspace", "clean", "-w", workspace, "--json").out)
    tried = json.loads(
        bloomery("workspace", "clean", "--keep-runs", 0, "--dry-run", "-w", workspace, "--json").out
    )
    still = json.loads(bloomery("workspace", "verify", "-w", workspace, "--json").out)["checked"]
    said = bloomery("workspace", "clean", "--keep-runs", 0, "-w", workspace)
    after = json.loads(bloomery("workspace", "ls", "-w", workspace, "--json").out)
    assert kept["runs"] == kept["artifacts"] == []
    assert (len(tried["runs"]), len(tried["artifacts"]), still) == (1, 8, 8)
    assert said.out.startswith("removed 1 runs and 8 artifacts")
    assert after["runs"] == []


def test_the_options_of_clean_begin_where_the_policy_does():
    policy, options = Retention(), inspect.signature(verbs.clean).parameters
    for name in ("keep_days", "keep_failed_days", "keep_runs", "remove_unknown"):
        assert options[name].default == getattr(policy, name)


def test_a_restored_backup_has_the_same_artifacts_and_runs(bloomery, forged_workspace, tmp_path):
    archive, elsewhere = tmp_path / "b.tar", tmp_path / "elsewhere"
    written = json.loads(bloomery("workspace", "backup", archive, "-w", forged_workspace, "--json").out)
    said = bloomery("workspace", "restore", archive, "-w", elsewhere, "--json")
    lists = [
        json.loads(bloomery("workspace", "ls", "-w", where, "--json").out)
        for where in (forged_workspace, elsewhere)
    ]
    assert written == {"archive": str(archive), "size_bytes": archive.stat().st_size}
    assert json.loads(said.out) == {"workspace": str(elsewhere)}
    assert lists[0]["artifacts"] == lists[1]["artifacts"]
    assert lists[0]["runs"] == lists[1]["runs"]


def test_a_pulled_model_is_known_usable_and_survives_a_clean_up(
    bloomery, forged_workspace, tmp_path, shipped
):
    remote, other = f"file://{tmp_path}/remote", tmp_path / "other"
    sent = json.loads(bloomery("workspace", "push", shipped, remote, "-w", forged_workspace, "--json").out)
    got = json.loads(
        bloomery("workspace", "pull", shipped, remote, "--name", "mine", "-w", other, "--json").out
    )
    assert sent["address"].endswith(f"{shipped}.tar")
    assert (got["cid"], got["kind"], got["run_id"], got["name"]) == (shipped, "model", None, "mine")
    bloomery("workspace", "clean", "--keep-runs", 0, "--remove-unknown", "-w", other)
    said = bloomery("models", "export", "mine", tmp_path / "copy", "-w", other)
    assert said.code == 0
    assert (tmp_path / "copy" / "model.safetensors").is_file()


def test_what_a_remote_does_not_have_is_the_callers_mistake(bloomery, tmp_path, shipped):
    said = bloomery("workspace", "pull", shipped, f"file://{tmp_path}/remote", "-w", tmp_path / "other")
    assert said.code == 2
    assert "push it from a store that has it" in said.err


def test_a_cid_that_is_none_is_the_callers_mistake(bloomery, forged_workspace, tmp_path):
    said = bloomery("workspace", "push", "nonsense", f"file://{tmp_path}", "-w", forged_workspace)
    assert said.code == 2
