import math
import os
import sqlite3
import uuid
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from contextlib import closing
from multiprocessing import get_context
from pathlib import Path

import pytest
from alembic.autogenerate import compare_metadata
from alembic.config import Config
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import text

from bloomery.core.catalog import Catalog, schema
from bloomery.core.catalog.connection import Database
from bloomery.core.catalog.tables import SCHEMA, metadata
from bloomery.core.errors import DiskFull, Failure, UnknownName, UserError, WorkspaceBusy
from bloomery.core.evidence import Bar, Check, Evidence, State, not_run

POSTGRES = "BLOOMERY_TEST_POSTGRES"


SERVER = os.environ.get(POSTGRES)


@pytest.fixture(params=["sqlite", "postgresql"] if SERVER else ["sqlite"])
def url(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str | Path]:
    """An empty database of each kind that is here: what holds for one holds for the other."""
    if request.param == "sqlite":
        yield tmp_path / "catalog.sqlite"
        return
    name = f"bloomery_{uuid.uuid4().hex}"
    server = Database(SERVER)
    with server.writing() as connection:
        connection.execute(text(f"CREATE SCHEMA {name}"))
    try:
        yield f"{SERVER}{'&' if '?' in SERVER else '?'}options=-csearch_path%3D{name}"
    finally:
        with server.writing() as connection:
            connection.execute(text(f"DROP SCHEMA {name} CASCADE"))


@pytest.fixture
def catalog(url: str | Path) -> Catalog:
    catalog = Catalog.open(url)
    start(catalog, "r1")
    return catalog


def start(catalog: Catalog, run_id: str) -> None:
    catalog.start_run(run_id, recipe="quickstart", config={"steps": 3}, seed=2**40, environment={"cpu": "x"})


def add(catalog: Catalog, cid: str, parents: tuple[str, ...] = (), **options: object) -> None:
    values = {"kind": "model", "size_bytes": 2**40, "run_id": "r1", "step": "train", "name": cid.upper()}
    catalog.add_artifact(cid, **(values | {"parents": parents} | options))


def test_a_run_is_recorded_from_start_to_end(catalog: Catalog) -> None:
    run = catalog.run("r1")
    assert (run.recipe, run.config, run.seed, run.environment) == (
        "quickstart",
        {"steps": 3},
        2**40,
        {"cpu": "x"},
    )
    assert (run.status, run.finished_at) == ("running", None)
    catalog.finish_run("r1", "done")
    done = catalog.run("r1")
    assert done.status == "done"
    assert done.finished_at is not None
    assert done.finished_at >= done.started_at
    assert done.started_at.utcoffset().total_seconds() == 0


def test_a_resumed_run_keeps_its_start_and_its_steps(catalog: Catalog) -> None:
    before = catalog.run("r1")
    catalog.start_step("r1", "train", "key")
    catalog.finish_run("r1", "paused")
    start(catalog, "r1")
    assert catalog.run("r1") == before
    assert [step.name for step in catalog.steps("r1")] == ["train"]


def test_runs_come_oldest_first(catalog: Catalog) -> None:
    start(catalog, "a later one")
    assert [run.run_id for run in catalog.runs()] == ["r1", "a later one"]


def test_an_unknown_run_is_named_with_the_nearest(catalog: Catalog) -> None:
    with pytest.raises(UnknownName, match="'r11'; did you mean 'r1'"):
        catalog.run("r11")
    with pytest.raises(UnknownName, match="r11"):
        catalog.finish_run("r11", "done")


def test_steps_come_in_the_order_of_their_start_and_start_again_in_place(catalog: Catalog) -> None:
    for name in ("z", "a"):
        catalog.start_step("r1", name, f"key of {name}")
    catalog.finish_step("r1", "z", "failed", {}, 1.5, "out of memory")
    catalog.start_step("r1", "z", "another key")
    z, a = catalog.steps("r1")
    assert (z.name, z.key, z.status, z.reason, z.duration_s) == ("z", "another key", "running", "", None)
    catalog.finish_step("r1", "z", "done", {"model": "bafy"}, 2.5)
    z, a = catalog.steps("r1")
    assert (z.status, z.outputs, z.duration_s) == ("done", {"model": "bafy"}, 2.5)
    assert a.status == "running"


def test_a_step_that_never_started_cannot_finish(catalog: Catalog) -> None:
    with pytest.raises(UserError, match="'train'"):
        catalog.finish_step("r1", "train", "done", {}, 1.0)


def test_a_step_is_found_by_its_key_once_its_result_is_there(catalog: Catalog) -> None:
    start(catalog, "r2")
    assert catalog.find_step("key") is None
    for run_id, status in (("r1", "running"), ("r1", "failed")):
        catalog.start_step(run_id, "train", "key")
        if status != "running":
            catalog.finish_step(run_id, "train", status, {}, 1.0)
        assert catalog.find_step("key") is None
    catalog.start_step("r1", "train", "key")
    catalog.finish_step("r1", "train", "done", {"a": "1"}, 1.0)
    assert catalog.find_step("key").run_id == "r1"
    catalog.start_step("r2", "train", "key")
    catalog.finish_step("r2", "train", "memoized", {"a": "1"}, 0.0)
    assert catalog.find_step("key").run_id == "r1"
    assert catalog.find_step("key", "r2").run_id == "r2"
    catalog.start_step("r1", "train", "another key")
    assert catalog.find_step("key").run_id == "r2"
    assert catalog.find_step("one more key") is None


def test_metrics_come_back_by_step_name_and_index(catalog: Catalog) -> None:
    catalog.add_metrics("r1", "train", [("loss", 10, 0.5), ("loss", 2, 1.5), ("accuracy", 2, 0.25)])
    catalog.add_metrics("r1", "eval", [("loss", 0, math.inf)])
    assert [(m.step, m.name, m.index, m.value) for m in catalog.metrics("r1")] == [
        ("eval", "loss", 0, math.inf),
        ("train", "accuracy", 2, 0.25),
        ("train", "loss", 2, 1.5),
        ("train", "loss", 10, 0.5),
    ]
    assert [m.value for m in catalog.metrics("r1", "train", "loss")] == [1.5, 0.5]
    assert [m.step for m in catalog.metrics("r1", name="loss")] == ["eval", "train", "train"]
    assert catalog.metrics("r2") == []


def test_a_resumed_step_replaces_the_metrics_that_it_measures_again(catalog: Catalog) -> None:
    catalog.add_metrics("r1", "train", [("loss", 1, 3.0), ("loss", 2, 2.0)])
    catalog.add_metrics("r1", "train", [("loss", 2, 2.5), ("loss", 3, 1.0), ("loss", 3, 0.5)])
    assert [m.value for m in catalog.metrics("r1")] == [3.0, 2.5, 0.5]


def test_a_metric_that_is_not_a_number_stays_so(catalog: Catalog) -> None:
    catalog.add_metrics("r1", "train", [("loss", 0, math.nan)])
    assert math.isnan(catalog.metrics("r1")[0].value)
    catalog.add_metrics("r1", "train", [])
    assert len(catalog.metrics("r1")) == 1


def test_many_metrics_fit_in_one_call(catalog: Catalog) -> None:
    catalog.add_metrics("r1", "train", (("loss", i, i / 2) for i in range(3000)))
    assert [m.value for m in catalog.metrics("r1")] == [i / 2 for i in range(3000)]


def test_an_artifact_is_recorded_with_what_it_was_made_from(catalog: Catalog) -> None:
    add(catalog, "base", facts={"parameters": 3, "loss": math.nan}, kind="data")
    add(catalog, "tuned", ("base", "elsewhere", "base"))
    tuned = catalog.artifact("tuned")
    assert (tuned.kind, tuned.size_bytes, tuned.run_id, tuned.step, tuned.name) == (
        "model",
        2**40,
        "r1",
        "train",
        "TUNED",
    )
    assert tuned.parents == ("base", "elsewhere")
    assert catalog.artifact("base").facts["parameters"] == 3
    assert [artifact.cid for artifact in catalog.artifacts()] == ["base", "tuned"]
    assert [artifact.cid for artifact in catalog.artifacts(kind="data")] == ["base"]
    with pytest.raises(UnknownName, match="'tunde'; did you mean 'tuned'"):
        catalog.artifact("tunde")


def test_the_same_bytes_made_twice_keep_their_first_name_and_gain_parents(catalog: Catalog) -> None:
    add(catalog, "a", ("b",))
    add(catalog, "a", ("c",), name="later", run_id="r2")
    assert (catalog.artifact("a").name, catalog.artifact("a").run_id) == ("A", "r1")
    assert set(catalog.artifact("a").parents) == {"b", "c"}


def test_the_lineage_is_the_tree_of_ancestors(catalog: Catalog) -> None:
    for cid, parents in {"a": (), "b": ("a",), "c": ("a", "unknown"), "d": ("b", "c", "d")}.items():
        add(catalog, cid, parents)
    tree = catalog.lineage("d")
    assert [parent.artifact.cid for parent in tree.parents] == ["b", "c"]
    assert [parent.artifact.cid for parent in tree.parents[0].parents] == ["a"]
    assert [ancestor.cid for ancestor in tree.ancestors()] == ["b", "c", "a"]
    assert catalog.lineage("unknown") is None


def test_a_circle_in_the_lineage_ends(catalog: Catalog) -> None:
    add(catalog, "a", ("b",))
    add(catalog, "b", ("a",))
    assert [ancestor.cid for ancestor in catalog.lineage("a").ancestors()] == ["b"]


def test_forgotten_artifacts_leave_no_links(catalog: Catalog) -> None:
    add(catalog, "a")
    add(catalog, "b", ("a",))
    catalog.forget_artifacts(["b"])
    add(catalog, "b")
    assert catalog.artifact("b").parents == ()


def evidence(check: str = "accuracy", measured: float = 0.9, **options: object) -> Evidence:
    state = State.PASSED if measured >= 0.5 else State.FAILED
    return Evidence(check=check, state=state, measured=measured, bar=">= 0.5", **options)


def test_evidence_comes_back_as_it_was(catalog: Catalog) -> None:
    items = [
        evidence(interval=(0.8, 0.95), chance=0.1, unit="share", inputs=("a", "b"), how="f", duration_s=2.0),
        evidence(measured=math.inf, inputs=("c",), required=False),
        not_run(Check(name="memory", bar=Bar(op="<", value=6)), "no counter here"),
    ]
    for item in items:
        catalog.add_evidence("r1", "train", item)
    catalog.add_evidence("r1", "later", evidence())
    assert catalog.evidence("r1", "train") == items
    assert len(catalog.evidence("r1")) == 4


def test_measuring_the_same_inputs_again_replaces_the_evidence(catalog: Catalog) -> None:
    catalog.add_evidence("r1", "train", evidence(measured=0.9, inputs=("a",)))
    catalog.add_evidence("r1", "train", evidence(measured=0.9, inputs=("b",)))
    catalog.add_evidence("r1", "train", evidence(measured=0.2, inputs=("a",)))
    assert [(item.inputs, item.measured) for item in catalog.evidence("r1")] == [(("a",), 0.2), (("b",), 0.9)]


def test_deleting_a_run_takes_all_but_its_artifacts(catalog: Catalog) -> None:
    start(catalog, "r2")
    for run_id in ("r1", "r2"):
        catalog.start_step(run_id, "train", "key")
        catalog.add_metrics(run_id, "train", [("loss", 0, 1.0)])
        catalog.add_evidence(run_id, "train", evidence())
    add(catalog, "a")
    catalog.delete_run("r1")
    assert [run.run_id for run in catalog.runs()] == ["r2"]
    assert (catalog.steps("r1"), catalog.metrics("r1"), catalog.evidence("r1")) == ([], [], [])
    assert (len(catalog.steps("r2")), len(catalog.metrics("r2")), len(catalog.evidence("r2"))) == (1, 1, 1)
    assert catalog.artifact("a").run_id == "r1"


def test_opening_again_finds_everything(catalog: Catalog, url: str | Path) -> None:
    assert Catalog.open(url).run("r1") == catalog.run("r1")


def test_a_copy_in_another_database_holds_the_same(catalog: Catalog, tmp_path: Path) -> None:
    for name in ("z", "a"):
        catalog.start_step("r1", name, name)
        catalog.add_evidence("r1", name, evidence(name))
    catalog.add_metrics("r1", "z", [("loss", i, math.nan) for i in range(1200)])
    add(catalog, "a")
    add(catalog, "b", ("a",))
    copy = Catalog.open(tmp_path / "copy.sqlite")
    catalog.copy_into(copy)
    for read in ("runs", "artifacts"):
        assert getattr(copy, read)() == getattr(catalog, read)()
    for read in ("steps", "evidence"):
        assert getattr(copy, read)("r1") == getattr(catalog, read)("r1")
    assert len(copy.metrics("r1")) == 1200
    with pytest.raises(UserError, match="not empty"):
        catalog.copy_into(copy)


def _write_a_lot(url: str | Path, number: int) -> None:
    catalog = Catalog.open(url)
    start(catalog, f"w{number}")
    for index in range(15):
        catalog.start_step(f"w{number}", f"s{index}", "key")
        catalog.add_metrics(f"w{number}", f"s{index}", [("loss", i, float(i)) for i in range(5)])
        catalog.add_metrics("shared", "s", [("loss", index, float(number))])
        catalog.add_artifact(f"a{index}", kind="k", size_bytes=1, name="n", parents=[f"p{number}"])
        catalog.finish_step(f"w{number}", f"s{index}", "done", {}, 0.0)


def test_many_processes_may_create_and_write_at_once(url: str | Path) -> None:
    start(Catalog.open(url), "shared")
    with ProcessPoolExecutor(4, get_context("fork")) as pool:
        list(pool.map(_write_a_lot, [url] * 4, range(4)))
    catalog = Catalog.open(url)
    assert sorted(run.run_id for run in catalog.runs()) == ["shared", "w0", "w1", "w2", "w3"]
    assert all(len(catalog.steps(f"w{i}")) == 15 for i in range(4))
    assert all(len(catalog.metrics(f"w{i}")) == 75 for i in range(4))
    assert len(catalog.metrics("shared")) == 15
    assert {len(artifact.parents) for artifact in catalog.artifacts()} == {4}


def _start_in_child(catalog: Catalog) -> None:
    assert catalog._database._engine.pool.checkedin() == 0  # SQLite forbids to use a parent's connection
    start(catalog, "child")


def test_a_forked_child_uses_its_own_connection(url: str | Path) -> None:
    catalog = Catalog.open(url)
    start(catalog, "parent")
    child = get_context("fork").Process(target=_start_in_child, args=(catalog,))
    child.start()
    child.join()
    start(catalog, "parent again")
    assert child.exitcode == 0
    assert [run.run_id for run in catalog.runs()] == ["parent", "child", "parent again"]
    assert len(Catalog.open(url).runs()) == 3


@pytest.mark.skipif(not SERVER, reason=f"{POSTGRES} names no server (postgresql://user:password@host/name)")
def test_a_wrong_password_is_not_shown(url: str | Path) -> None:
    with pytest.raises(Failure, match="cannot be reached") as caught:
        Catalog.open("postgresql://nobody-known:secret-word@127.0.0.1:1/nowhere")
    assert "secret-word" not in str(caught.value)


def _open(url: str | Path) -> int:
    return len(Catalog.open(url).runs())


def test_many_processes_may_create_the_same_catalog(url: str | Path) -> None:
    with ProcessPoolExecutor(4, get_context("fork")) as pool:
        assert list(pool.map(_open, [url] * 4)) == [0] * 4


def test_the_migrations_make_the_tables_that_the_code_knows(catalog: Catalog, url: str | Path) -> None:
    with Database(url).reading() as connection:
        assert compare_metadata(MigrationContext.configure(connection), metadata) == []
        assert schema.version(connection) == SCHEMA
    config = Config()
    config.set_main_option("script_location", str(schema.MIGRATIONS))
    assert ScriptDirectory.from_config(config).get_heads() == [SCHEMA]


def test_a_catalog_of_a_newer_version_is_refused_untouched(catalog: Catalog, url: str | Path) -> None:
    with Database(url).writing() as connection:
        connection.execute(text("UPDATE alembic_version SET version_num = '9999'"))
    with pytest.raises(UserError, match=r"newer Bloomery \(schema 9999; this one knows up to"):
        Catalog.open(url)
    with Database(url).reading() as connection:
        assert schema.version(connection) == "9999"


def test_a_migration_that_fails_leaves_nothing(url: str | Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*arguments: object, **options: object) -> None:
        raise RuntimeError("killed in the middle")

    with monkeypatch.context() as patch:
        patch.setattr("alembic.op.create_index", fail)
        with pytest.raises(RuntimeError, match="in the middle"):
            Catalog.open(url)
    with Database(url).reading() as connection:
        assert schema.version(connection) is None
    assert Catalog.open(url).runs() == []


def test_sqlite_is_in_wal_mode(tmp_path: Path) -> None:
    Catalog.open(tmp_path / "c.sqlite")
    with closing(sqlite3.connect(tmp_path / "c.sqlite")) as connection:
        assert connection.execute("PRAGMA journal_mode").fetchone() == ("wal",)


def test_a_file_that_is_no_database_is_named(tmp_path: Path) -> None:
    (tmp_path / "c.sqlite").write_bytes(b"not a database at all, by a long way" * 100)
    with pytest.raises(Failure, match=r"c\.sqlite is damaged or no database"):
        Catalog.open(tmp_path / "c.sqlite")


def test_a_writer_that_waits_too_long_says_so(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("bloomery.core.catalog.connection.WAIT_S", 0.05)
    catalog = Catalog.open(tmp_path / "c.sqlite")
    with closing(sqlite3.connect(tmp_path / "c.sqlite")) as other:
        other.execute("BEGIN IMMEDIATE")
        assert catalog.runs() == []  # readers do not wait for writers
        with pytest.raises(WorkspaceBusy, match=r"c\.sqlite"):
            start(catalog, "r1")


def test_a_full_disk_loses_nothing_that_was_written(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    catalog = Catalog.open(tmp_path / "c.sqlite")
    start(catalog, "r1")
    catalog.close()
    with closing(sqlite3.connect(tmp_path / "c.sqlite")) as connection:
        pages = connection.execute("PRAGMA page_count").fetchone()[0]

    def full(connection: sqlite3.Connection, _record: object) -> None:
        connection.isolation_level = None
        connection.execute("PRAGMA foreign_keys = ON")
        connection.execute(f"PRAGMA max_page_count = {pages}")  # SQLite answers as on a full disk

    monkeypatch.setattr("bloomery.core.catalog.connection._configure_sqlite", full)
    small = Catalog.open(tmp_path / "c.sqlite")
    with pytest.raises(DiskFull, match=r"c\.sqlite"):
        small.add_metrics("r1", "train", [("loss", i, 1.0) for i in range(5000)])
    assert small.metrics("r1") == []
    assert [run.run_id for run in catalog.runs()] == ["r1"]


@pytest.mark.parametrize(
    ("url", "message"),
    [("nonsense://somewhere", "no driver for 'nonsense'"), ("://", "cannot be read")],
)
def test_a_url_that_names_no_database_is_refused(url: str, message: str) -> None:
    with pytest.raises(UserError, match=message):
        Catalog.open(url)


def test_a_folder_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(UserError, match=r"missing/c\.sqlite cannot be opened"):
        Catalog.open(tmp_path / "missing" / "c.sqlite")
