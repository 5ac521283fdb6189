"""Tasks with leases, agents, offers, conflicts and events in the catalog."""

import random
import shutil
from concurrent.futures import ProcessPoolExecutor
from datetime import UTC, datetime, timedelta
from multiprocessing import get_context
from pathlib import Path

import pytest

from bloomery.core.catalog import Catalog, TaskRecord, check_chain
from bloomery.core.catalog.giving_back import give_back
from bloomery.core.errors import UnknownName

START = datetime(2026, 1, 1, tzinfo=UTC)


def at(minutes: float) -> datetime:
    return START + timedelta(minutes=minutes)


@pytest.fixture(scope="session")
def empty(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("empty") / "catalog.sqlite"
    Catalog.open(path).close()
    return path


@pytest.fixture
def catalog(tmp_path: Path, empty: Path) -> Catalog:
    return Catalog.open(shutil.copy(empty, tmp_path / "catalog.sqlite"))


def add(catalog: Catalog, digest: str = "d1", **options: object) -> TaskRecord:
    values = {"root": "/r", "method": "adversarial", "goal": "speed", "paths": ("a.py",), "body": {"x": 1}}
    values |= {"priority": 50, "most_attempts": 3, "now": START}
    return catalog.queue.add(digest=digest, **(values | options))


def take(catalog: Catalog, agent: str = "a1", minutes: float = 0, **options: object) -> TaskRecord | None:
    return catalog.queue.take(agent, now=at(minutes), until=at(minutes + 5), **options)


def test_tasks_come_by_priority_then_by_age(catalog: Catalog) -> None:
    names = {
        digest: add(catalog, digest, priority=priority, paths=(digest,)).name
        for digest, priority in (("low", 10), ("old", 50), ("young", 50), ("high", 90))
    }
    order = ["high", "old", "young", "low"]
    assert [task.digest for task in catalog.queue.tasks()] == order
    assert [take(catalog).name for _ in order] == [names[digest] for digest in order]
    assert take(catalog) is None


def test_a_task_whose_files_somebody_works_on_comes_last(catalog: Catalog) -> None:
    add(catalog, "first", priority=90)
    add(catalog, "same file", priority=80)
    add(catalog, "same file elsewhere", priority=40, root="/other")
    add(catalog, "another file", priority=20, paths=("b.py",))
    taken = [take(catalog).digest for _ in range(4)]
    assert taken == ["first", "same file elsewhere", "another file", "same file"]


def test_a_task_asked_for_twice_is_one_until_it_ends(catalog: Catalog) -> None:
    first = add(catalog, priority=10)
    again = add(catalog, priority=70)
    assert (again.name, again.priority) == (first.name, 70)
    task = take(catalog)
    assert add(catalog).name == first.name
    assert catalog.queue.finish(task.name, task.lease, patches=(), facts={}, now=at(1))
    assert add(catalog).name != first.name


def test_only_the_repository_that_is_asked_for_gives_tasks(catalog: Catalog) -> None:
    add(catalog)
    assert take(catalog, root="/elsewhere") is None
    assert take(catalog, root="/r").digest == "d1"


def test_a_lease_that_runs_out_gives_the_task_to_another_and_the_first_is_not_heard(catalog) -> None:
    add(catalog)
    catalog.agents.start("a1", life="x", host="h", pid=1, now=START)
    old = take(catalog, "a1")
    assert take(catalog, "a2", minutes=4.9) is None
    new = take(catalog, "a2", minutes=5.1)
    assert (new.name, new.attempts, new.agent) == (old.name, 2, "a2")
    assert "a1 died or hung" in new.reason
    assert not catalog.queue.finish(old.name, old.lease, patches=("p0",), facts={}, now=at(6))
    assert not catalog.queue.renew(old.name, old.lease, at(20))
    assert not catalog.queue.fail(old.name, old.lease, "late", now=at(6))
    assert catalog.queue.finish(new.name, new.lease, patches=("p1",), facts={"n": 1}, now=at(7))
    done = catalog.queue.task(new.name)
    assert (done.state, done.facts, done.lease, done.finished_at) == ("done", {"n": 1}, None, at(7))
    assert [offer.cid for offer in catalog.conflicts.offers()] == ["p1"]
    assert catalog.agents.agent("a1").lost == 1


def test_an_agent_is_given_only_what_it_may_change(catalog: Catalog) -> None:
    add(catalog, "ci", paths=(".ci/x", "a.py"), priority=90)
    add(catalog, "code", paths=("a.py",))
    assert take(catalog, allowed=lambda paths: ".ci/x" not in paths).digest == "code"
    assert take(catalog, allowed=lambda paths: ".ci/x" not in paths) is None
    assert take(catalog).digest == "ci"


def test_a_lease_that_is_renewed_holds(catalog: Catalog) -> None:
    add(catalog)
    task = take(catalog)
    assert catalog.queue.renew(task.name, task.lease, at(30))
    assert take(catalog, "a2", minutes=29) is None
    assert take(catalog, "a2", minutes=31).name == task.name


def test_an_end_counts_once(catalog: Catalog) -> None:
    catalog.agents.start("a1", life="x", host="h", pid=1, now=START)
    add(catalog)
    task = take(catalog)
    ends = [
        catalog.queue.finish(task.name, task.lease, patches=("p1", "p1", "p2"), facts={}, now=at(1))
        for _ in range(2)
    ]
    assert ends == [True, False]
    assert [offer.cid for offer in catalog.conflicts.offers("offered", root="/r")] == ["p1", "p2"]
    assert catalog.agents.agent("a1").done == 1


def test_a_failed_attempt_is_tried_again_later_and_not_for_ever(catalog: Catalog) -> None:
    add(catalog, most_attempts=2)
    task = take(catalog)
    assert catalog.queue.fail(task.name, task.lease, "no disk", now=at(1), again_at=at(3))
    assert take(catalog, minutes=2) is None
    again = take(catalog, minutes=3)
    assert (again.reason, again.attempts) == ("no disk", 2)
    assert catalog.queue.fail(again.name, again.lease, "no disk", now=at(4), again_at=at(5))
    assert catalog.queue.task(task.name).state == "failed"
    assert catalog.queue.put_back(task.name, now=at(9), facts={"on": "p"}).attempts == 0
    assert take(catalog, minutes=9).facts == {"on": "p"}


def test_what_cannot_succeed_is_not_tried_again(catalog: Catalog) -> None:
    add(catalog)
    task = take(catalog)
    catalog.queue.fail(task.name, task.lease, "no such file", now=at(1))
    assert (catalog.queue.task(task.name).state, catalog.queue.task(task.name).finished_at) == (
        "failed",
        at(1),
    )


def test_a_task_that_kills_its_agents_is_given_up(catalog: Catalog) -> None:
    add(catalog, most_attempts=3)
    for attempt in range(3):
        task = take(catalog, minutes=attempt)
        (back,) = catalog.queue.take_back(now=at(attempt), leases=[task.lease])
    assert (back.state, back.reason) == ("failed", "a1 died or hung while at it (3 of 3 attempts)")


def test_a_task_that_is_given_back_was_not_attempted(catalog: Catalog) -> None:
    add(catalog, most_attempts=1)
    for minutes in range(3):
        task = take(catalog, minutes=minutes)
        assert (task.state, task.attempts) == ("leased", 1)
        give_back(catalog.queue, [task.lease, "another"])
    found = catalog.queue.task(task.name)
    assert (found.state, found.attempts, found.lease, found.reason) == ("waiting", 0, None, "")
    assert not catalog.queue.finish(task.name, task.lease, patches=[], facts={}, now=at(9))


def test_a_cancelled_task_is_nobodys(catalog: Catalog) -> None:
    name = add(catalog).name
    task = take(catalog)
    assert catalog.queue.cancel(name, now=at(1), reason="not wanted").state == "cancelled"
    assert not catalog.queue.finish(name, task.lease, patches=("p",), facts={}, now=at(2))
    assert catalog.conflicts.offers() == []
    catalog.queue.forget([name])
    with pytest.raises(UnknownName):
        catalog.queue.task(name)


def test_what_has_not_ended_is_not_forgotten(catalog: Catalog) -> None:
    name = add(catalog).name
    catalog.queue.forget([name])
    assert catalog.queue.task(name).state == "waiting"


def _take_all(path: Path, worker: int) -> list[str]:
    catalog, names = Catalog.open(path), []
    while task := take(catalog, f"a{worker}"):
        catalog.queue.finish(task.name, task.lease, patches=[f"p {task.digest}"], facts={}, now=at(1))
        names.append(task.name)
    return names


def test_agents_that_take_at_once_take_each_task_once(catalog: Catalog, tmp_path: Path) -> None:
    names = {add(catalog, f"d{number}", paths=(f"{number % 3}.py",)).name for number in range(20)}
    with ProcessPoolExecutor(3, get_context("fork")) as pool:
        parts = list(pool.map(_take_all, [tmp_path / "catalog.sqlite"] * 3, range(3)))
    assert sorted(name for part in parts for name in part) == sorted(names)
    assert len(catalog.conflicts.offers()) == 20


def test_any_mix_of_deaths_failures_and_ends_loses_no_task(catalog: Catalog) -> None:
    rng, minutes = random.Random(5), 0.0
    names = [add(catalog, f"d{number}", most_attempts=1000, paths=(f"{number}",)).name for number in range(8)]
    held: list[TaskRecord] = []
    for _ in range(150):
        minutes += rng.uniform(0, 2)
        if rng.random() < 0.6 and (task := take(catalog, rng.choice("abc"), minutes)):
            held.append(task)
        elif held:
            task = held.pop(rng.randrange(len(held)))
            if rng.random() < 0.5:
                catalog.queue.fail(task.name, task.lease, "x", now=at(minutes), again_at=at(minutes))
            elif rng.random() < 0.2:
                catalog.queue.finish(task.name, task.lease, patches=[task.digest], facts={}, now=at(minutes))
    tasks = {task.name: task for task in catalog.queue.tasks()}
    assert sorted(tasks) == sorted(names)
    done = {task.digest for task in tasks.values() if task.state == "done"}
    assert {task.state for task in tasks.values()} <= {"done", "waiting", "leased"}
    assert {offer.cid for offer in catalog.conflicts.offers()} == done
    assert len(done) > 0


def test_an_agent_is_known_by_its_life(catalog: Catalog) -> None:
    agents = catalog.agents
    agents.start("a1", life="x", host="h", pid=1, now=START)
    assert agents.beat("a1", "x", now=at(1), state="working", task="t", worktree="/w")
    agents.start("a1", life="y", host="h", pid=2, now=at(2))
    assert not agents.beat("a1", "x", now=at(3))
    agents.end("a1", "x", "dead")
    found = agents.agent("a1")
    assert (found.life, found.pid, found.state, found.task, found.seen_at) == ("y", 2, "idle", None, at(2))
    with pytest.raises(UnknownName, match="did you mean 'a1'"):
        agents.agent("a2")


def offered(catalog: Catalog, *cids: str) -> None:
    for cid in cids:
        add(catalog, cid)
        task = take(catalog)
        catalog.queue.finish(task.name, task.lease, patches=[cid], facts={}, now=at(1))


def record(catalog: Catalog, state: str, **options: object):
    values = {"overlaps": ["a.py: f"], "by": "coordination", "now": at(2), "fates": {}}
    return catalog.conflicts.record("/r", "p1", "p2", state=state, **(values | options))


def test_a_merged_conflict_offers_what_does_both_for_both_tasks(catalog: Catalog) -> None:
    offered(catalog, "p1", "p2", "p3")
    fates = {"p1": "merged", "p2": "merged"}
    for _ in range(2):
        record(catalog, "merged", merged="m", fates=fates)
    found = {(offer.cid, offer.state, offer.became) for offer in catalog.conflicts.offers()}
    assert found == {
        ("p1", "merged", "m"),
        ("p2", "merged", "m"),
        ("p3", "offered", None),
        ("m", "ready", None),
    }
    assert len({offer.task for offer in catalog.conflicts.offers(cid="m")}) == 2
    assert [entry.event for entry in catalog.changes.audit()] == ["conflict_merged"]
    assert check_chain(catalog.changes.audit()) == []


def test_an_offer_that_holds_the_other_takes_its_place(catalog: Catalog) -> None:
    offered(catalog, "p1", "p2")
    record(catalog, "merged", merged="p1", fates={"p1": "ready", "p2": "merged"})
    found = {(offer.cid, offer.state, offer.became) for offer in catalog.conflicts.offers()}
    assert found == {("p1", "ready", None), ("p2", "merged", "p1")}


def test_what_a_person_decided_stays(catalog: Catalog) -> None:
    offered(catalog, "p1", "p2")
    opened = record(catalog, "open", shown="page", reason="both change f", fates={"p1": "contested"})
    decided = record(catalog, "decided", decision="one", by="Ada", fates={"p1": "ready", "p2": "withdrawn"})
    assert (decided.name, decided.shown, decided.found_at) == (opened.name, "page", at(2))
    assert record(catalog, "open", fates={"p2": "contested"}) == decided
    assert {offer.cid: offer.state for offer in catalog.conflicts.offers()} == {
        "p1": "ready",
        "p2": "withdrawn",
    }
    assert catalog.conflicts.all("open") == []
    assert [entry.actor for entry in catalog.changes.audit()] == ["coordination", "Ada"]


def test_an_event_with_a_key_counts_once(catalog: Catalog) -> None:
    said = [catalog.events.note("speed", "p1", value=1.5, key=key) for key in ("k", "k", None, None)]
    assert said == [True, False, True, True]
    assert [event.value for event in catalog.events.all("speed")] == [1.5] * 3
    assert catalog.events.all("coverage") == []


def test_a_copied_catalog_has_tasks_agents_offers_conflicts_and_events(catalog, tmp_path: Path) -> None:
    offered(catalog, "p1", "p2")
    catalog.agents.start("a1", life="x", host="h", pid=1, now=START)
    record(catalog, "open", shown="page")
    catalog.events.note("speed", "p1", value=1.5)
    other = Catalog.open(tmp_path / "other.sqlite")
    catalog.copy_into(other)
    for read in (
        lambda one: one.queue.tasks(),
        lambda one: one.agents.all(),
        lambda one: one.conflicts.offers(),
        lambda one: one.conflicts.all(),
        lambda one: one.events.all(),
    ):
        assert read(other) == read(catalog)
        assert read(other)
