from concurrent.futures import ProcessPoolExecutor
from dataclasses import replace
from multiprocessing import get_context
from pathlib import Path

import pytest
from sqlalchemy import delete, text, update
from sqlalchemy.exc import DBAPIError

from bloomery.core.catalog import Catalog, check_chain
from bloomery.core.catalog.audit import unbacked
from bloomery.core.catalog.changes import ChangeRecords
from bloomery.core.catalog.connection import Database
from bloomery.core.catalog.tables import approvals, audit
from bloomery.core.errors import UnknownName, UserError


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "catalog.sqlite"


@pytest.fixture
def changes(path: Path) -> ChangeRecords:
    changes = Catalog.open(path).changes
    add(changes, "p1")
    return changes


def add(changes: ChangeRecords, cid: str, **options: object) -> None:
    values = {"about": "a1", "goal": "speed", "proposer": "rewrites", "description": "d", "parents": ()}
    changes.add_patch(cid, **(values | {"paths": ("m.py",)} | options))


def decide(changes: ChangeRecords, decision: str = "approved", **options: object) -> None:
    values = {"evidence": "e1", "decision": decision, "kind": "person", "by": "Ada", "reason": ""}
    changes.add_decision("p1", **(values | options))


def test_a_patch_that_is_proposed_again_keeps_what_was_said_first(changes: ChangeRecords) -> None:
    add(changes, "p1", about="a2", proposer="somebody else")
    (patch,) = changes.patches()
    assert (patch.about, patch.proposer, patch.paths, patch.status) == (
        "a1",
        "rewrites",
        ("m.py",),
        "proposed",
    )
    assert [(entry.actor, entry.body["about"]) for entry in changes.audit()] == [
        ("rewrites", "a1"),
        ("somebody else", "a2"),
    ]


def test_a_patch_goes_through_its_states(changes: ChangeRecords) -> None:
    seen = [changes.patch("p1").status]
    for act in (
        lambda: changes.set_evidence("p1", "e1", passed=True, actor="v"),
        lambda: decide(changes),
        lambda: changes.add_application(
            "c1", "p1", root="/r", branch="dev", files={"m.py": (None, "b")}, actor="Ada"
        ),
        lambda: changes.set_evidence("p1", "e2", passed=False, actor="v"),  # it stays applied
        lambda: changes.roll_back("c2", ["c1"], files={}, reason="", actor="Ada"),
        lambda: changes.set_evidence("p1", "e3", passed=False, actor="v"),
        lambda: decide(changes, "rejected"),
    ):
        act()
        seen.append(changes.patch("p1").status)
    assert seen == [
        "proposed", "validated", "approved", "applied", "applied", "rolled_back", "failed", "rejected"
    ]  # fmt: skip
    assert [patch.cid for patch in changes.patches("rejected")] == ["p1"]
    assert changes.patches("applied") == []
    assert check_chain(changes.audit()) == []


def test_an_application_ends_with_its_rollback(changes: ChangeRecords) -> None:
    for change in ("c1", "c2"):
        files = {"m.py": ("b1", None)}
        changes.add_application(change, "p1", root="/r", branch="dev", files=files, actor="Ada")
    changes.roll_back("c3", ["c1"], files={}, reason="", actor="Ada")
    assert [(one.change, one.files) for one in changes.applications("/r")] == [("c2", {"m.py": ("b1", None)})]
    assert [one.rolled_back for one in changes.applications(all=True)] == ["c3", None]
    assert changes.applications("/elsewhere") == []
    assert [changes.was_made(change) for change in ("c1", "c3", "c4")] == [True, True, False]


def test_an_unknown_patch_is_named_with_the_nearest(changes: ChangeRecords) -> None:
    with pytest.raises(UnknownName, match="'p11'; did you mean 'p1'"):
        changes.patch("p11")


def tampered(path: Path, *statements: object) -> None:
    with Database(path).writing() as connection:
        for trigger in ("update", "delete"):
            connection.execute(text(f"DROP TRIGGER audit_no_{trigger}"))
        for statement in statements:
            connection.execute(statement)


@pytest.fixture
def four(changes: ChangeRecords) -> ChangeRecords:
    for number in range(3):
        changes.note("Ada", "noted", "p1", {"number": number})
    return changes


@pytest.mark.parametrize(
    ("statement", "message"),
    [
        (update(audit).where(audit.c.seq == 2).values(body={"number": 7}), "entry 2 .*was altered"),
        (update(audit).where(audit.c.seq == 3).values(actor="Eve"), r"entry 3 \(noted by Eve\) was altered"),
        (update(audit).where(audit.c.seq == 1).values(at="2001"), "entry 1 .*was altered"),
        (delete(audit).where(audit.c.seq == 1), "entry 1 is missing"),
        (delete(audit).where(audit.c.seq == 3), "entry 3 is missing: the next one is 4"),
        (delete(audit).where(audit.c.seq == 4), "entry 4 was there once .*cut off"),
        (delete(audit), "entry 4 was there once"),
    ],
)
def test_the_check_finds_what_was_altered_or_removed(
    four: ChangeRecords, path: Path, statement: object, message: str
) -> None:
    head = four.head()
    assert check_chain(four.audit(), head) == []
    tampered(path, statement)
    with pytest.raises(AssertionError, match=message):
        assert not check_chain(four.audit(), head), "; ".join(check_chain(four.audit(), head))


def test_an_entry_with_its_hash_mended_breaks_the_next_one(four: ChangeRecords) -> None:
    from bloomery.core.catalog.audit import _covered, _hash

    entries = four.audit()
    forged = replace(entries[1], body={"number": 7})
    entries[1] = replace(forged, hash=_hash(_covered(forged)))
    assert check_chain(entries) == ["entry 3 does not follow the one before it: one of them was altered"]


@pytest.mark.parametrize("statement", [update(audit).values(actor="Eve"), delete(audit)])
def test_the_database_itself_refuses_to_change_the_audit(
    four: ChangeRecords, path: Path, statement: object
) -> None:
    before = four.audit()
    with pytest.raises(DBAPIError, match="append-only"), Database(path).writing() as connection:
        connection.execute(statement)
    assert four.audit() == before


def test_a_decision_that_the_audit_does_not_tell_of_is_found(changes: ChangeRecords, path: Path) -> None:
    decide(changes)
    assert unbacked(changes.audit(), changes.decisions()) == []
    for altered in ({"evidence": "e2"}, {"kind": "auto"}, {"by": "Eve"}, {"decision": "rejected"}):
        with Database(path).writing() as connection:
            connection.execute(update(approvals).values(altered))
        assert len(unbacked(changes.audit(), changes.decisions())) == 1
        with Database(path).writing() as connection:
            connection.execute(
                update(approvals).values(evidence="e1", kind="person", by="Ada", decision="approved")
            )
    with Database(path).writing() as connection:
        connection.execute(delete(approvals))
    assert unbacked(changes.audit(), []) == ["the decision of entry 2 was removed"]


def _note_a_lot(path: Path, number: int) -> None:
    changes = Catalog.open(path).changes
    for index in range(10):
        changes.note(f"w{number}", "noted", "p1", {"index": index})


def test_many_processes_write_one_chain(changes: ChangeRecords, path: Path) -> None:
    with ProcessPoolExecutor(3, get_context("fork")) as pool:
        list(pool.map(_note_a_lot, [path] * 3, range(3)))
    entries = changes.audit()
    assert [entry.seq for entry in entries] == list(range(1, 32))
    assert check_chain(entries) == []


def test_a_copy_of_the_catalog_keeps_the_chain(changes: ChangeRecords, path: Path, tmp_path: Path) -> None:
    decide(changes)
    changes.add_application("c1", "p1", root="/r", branch="dev", files={}, actor="Ada")
    copy = Catalog.open(tmp_path / "copy.sqlite")
    Catalog.open(path).copy_into(copy)
    assert copy.changes.audit() == changes.audit()
    assert copy.changes.decisions() == changes.decisions()
    assert copy.changes.patches() == changes.patches()
    assert copy.changes.applications() == changes.applications()
    with pytest.raises(UserError, match="not empty"):
        Catalog.open(path).copy_into(copy)


def test_an_older_catalog_gains_the_tables(path: Path) -> None:
    from alembic import command
    from alembic.config import Config

    from bloomery.core.catalog import schema

    database = Database(path)
    config = Config()
    config.set_main_option("script_location", str(schema.MIGRATIONS))
    with database.writing() as connection:
        config.attributes["connection"] = connection
        command.upgrade(config, "0001")
    assert Catalog.open(path).changes.patches() == []
    with database.reading() as connection:
        assert schema.version(connection) >= "0002"
