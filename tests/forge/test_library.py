"""A workspace's models, found by what people call them; on small made-up records."""

import json
from datetime import UTC, datetime

import pytest

from bloomery.core.errors import MissingFile, UnknownName, UserError, WorkspaceBusy
from bloomery.core.evidence import Bar, Check, measure
from bloomery.core.remote import push
from bloomery.core.workspace import Workspace
from bloomery.forge import library

START = datetime(2026, 1, 1, tzinfo=UTC)


@pytest.fixture
def workspace(tmp_path):
    return Workspace.open(tmp_path / "ws")


def begin(workspace, run_id):
    workspace.catalog.start_run(run_id, recipe="r", config={}, seed=0, environment={})


def keep(workspace, text, *, run_id="r1", step="s", kind="model", name="model", parents=(), **facts):
    """A model folder with this text for weights."""
    folder = workspace.root.parent / f"source-{text}"
    folder.mkdir(exist_ok=True)
    (folder / "config.json").write_text("{}")
    (folder / "model.safetensors").write_text(text)
    cid = workspace.store.put(folder)
    workspace.catalog.add_artifact(
        cid, kind=kind, size_bytes=5, run_id=run_id, step=step, name=name, parents=parents, facts=facts
    )
    return cid


def test_a_model_is_found_by_each_of_its_names(workspace):
    old = keep(workspace, "old", run_id="r1", step="base")
    new = keep(workspace, "new", run_id="r2", step="base")
    for name, cid in ((old, old), (old[:20], old), ("r1/base", old), ("base", new), ("model", new)):
        assert library.find_model(workspace, name).cid == cid


def test_an_unknown_model_is_answered_with_names_and_never_with_none(workspace):
    keep(workspace, "x", run_id=None, step=None, name="pulled")
    with pytest.raises(UnknownName, match="did you mean 'pulled'") as raised:
        library.find_model(workspace, "puled")
    assert raised.value.known == ["pulled"]


def test_a_path_is_a_path_and_a_name_a_name(workspace, tmp_path):
    cid = keep(workspace, "x", step="base")
    assert library.model_folder(None, str(tmp_path)) == tmp_path
    assert library.model_folder(workspace, "base") == workspace.store.path(cid)
    with pytest.raises(MissingFile, match="no model folder"):
        library.model_folder(workspace, "./base")
    (tmp_path / "model.safetensors").touch()
    with pytest.raises(MissingFile, match="no model folder"):
        library.model_folder(workspace, str(tmp_path / "model.safetensors"))
    with pytest.raises(MissingFile, match="no model folder"):
        library.model_folder(None, "base")


def test_what_was_measured_on_its_parent_is_recorded_of_a_shipped_model(workspace):
    begin(workspace, "r1")
    base = keep(workspace, "base", step="stage.base", parameters=7)
    best = keep(workspace, "best", step="stage.best", parents=[base], parameters=7)
    keep(workspace, "card", step="ship", kind="shipped model", parents=[best])
    check = Check(name="accuracy", bar=Bar(op=">=", value=0.5))
    workspace.catalog.add_evidence("r1", "measure", measure(check, lambda: 0.75, inputs=[best]))
    claims = workspace.store.put_bytes(json.dumps({"scores": {"base": {"sums": {"rate": 0.25}}}}).encode())
    workspace.catalog.add_artifact(claims, kind="claims", size_bytes=1, name="claims", parents=[base, best])
    stage_base, stage_best, ship = (
        library.recorded(workspace, name) for name in ("stage.base", "stage.best", "ship")
    )
    assert (stage_best["accuracy"], ship["accuracy"]) == (0.75, 0.75)
    assert stage_base["selection: sums"] == 0.25
    assert "accuracy" not in stage_base
    assert (stage_base["parameters"], stage_best["parameters"]) == (7, 7)


def test_removal_waits_for_no_run(workspace):
    cid = keep(workspace, "x", step="base")
    with workspace.lock("run r1"), pytest.raises(WorkspaceBusy):
        library.remove_model(workspace, "base")
    assert workspace.store.has(cid)
    library.remove_model(workspace, "base")
    assert not workspace.store.has(cid)
    assert library.find_model(workspace, "base").cid == cid


@pytest.mark.parametrize(("is_model", "kind"), [(True, "model"), (False, "artifact")])
def test_what_is_brought_in_is_entered_as_what_it_is(workspace, tmp_path, is_model, kind):
    other = Workspace.open(tmp_path / "other")
    cid = keep(workspace, "x") if is_model else workspace.store.put_bytes(b"data")
    push(workspace.store, cid, f"file://{tmp_path}/remote")
    record = library.bring_in(other, cid, f"file://{tmp_path}/remote", name="mine")
    assert (record.cid, record.kind, record.run_id, record.name) == (cid, kind, None, "mine")
    assert record.size_bytes == other.store.size_bytes(cid)


def test_an_export_never_writes_over_what_is_there(workspace, tmp_path):
    keep(workspace, "x", step="base")
    assert (library.export_model(workspace, "base", tmp_path / "a" / "b") / "config.json").is_file()
    with pytest.raises(UserError, match="exists"):
        library.export_model(workspace, "base", tmp_path / "a" / "b")
