"""Agents as processes: they do all tasks, whoever dies, and leave nothing behind."""

import os
import random
import signal
import threading
import time
from dataclasses import replace

import psutil
import pytest

from bloomery.core.catalog import TaskRecord
from bloomery.core.errors import Failure, UserError, WorkspaceBusy
from bloomery.optimize.changes import Rules, check
from bloomery.optimize.changes.access import Access
from bloomery.optimize.changes.lock import held, is_held
from bloomery.optimize.coordinating import Orders, Outcome, Terms, bury, live
from bloomery.optimize.coordinating.agent import POINTS, lock_of
from tests.optimize.coordinating.working import MODULE, editing

QUICK = Terms(poll_s=0.02, again_s=0.0, beat_s=0.05, lease_s=60.0)
EDITS = [  # of different functions and lines, so that none is in another one's way
    ("found = found + item", "found += item"),
    ("LIMIT = 10", "LIMIT = 11"),
    ("if item > found:", "if found < item:"),
    ("    return parts", "    return list(parts)"),
    ('"""What agents change."""', '"""What agents changed."""'),
]


def orders(shop, **options: object) -> Orders:
    values = {"name": "agent-1", "space": shop.home, "root": shop.root, "work": editing, "rules": shop.rules}
    return Orders(**(values | {"terms": QUICK} | options))


def nothing_is_left(shop, before: dict[str, object]) -> None:
    assert shop.snapshot() == before
    assert list((shop.home / "worktrees").glob("*")) == []
    assert shop.git("worktree", "list").count("\n") == 1
    assert check(shop.ledger) == []


def killed_at(shop, point: str) -> None:
    """An agent in a process of its own that dies at this point of its first task."""
    child = os.fork()
    if child == 0:

        def die(at: str, task: TaskRecord) -> None:
            if at == point:
                os.kill(os.getpid(), signal.SIGKILL)

        try:
            live(orders(shop), watch=die)
        finally:
            os._exit(0)
    assert os.WIFSIGNALED(os.waitpid(child, 0)[1])


def test_an_agent_killed_at_any_planned_point_loses_nothing_and_does_nothing_twice(shop) -> None:
    shop.workspace.catalog.close()
    before = shop.snapshot()
    tasks = [shop.ask(pair, most_attempts=9) for pair in EDITS[: len(POINTS)]]
    for point in POINTS:
        killed_at(shop, point)
        assert [agent.name for agent in bury(shop.ledger)] == ["agent-1"]
        nothing_is_left(shop, before)
        found = {task.state for task in shop.workspace.catalog.queue.tasks()}
        assert found <= {"waiting", "done"}
    done = shop.work()
    assert [(task.state, task.name) for task in done.tasks] == [("done", task.name) for task in tasks]
    assert sorted(offer.task for offer in done.offers) == sorted(task.name for task in tasks)
    assert done.tasks[0].attempts == 5  # at all points but the last it had not ended
    assert (shop.workspace.catalog.agents.agent("agent-1").lost, done.conflicts) == (4, ())
    nothing_is_left(shop, before)


def test_an_agent_that_is_started_again_takes_up_what_it_was_at(shop) -> None:
    shop.workspace.catalog.close()
    task = shop.ask(EDITS[0])
    killed_at(shop, "placed")
    assert shop.workspace.catalog.queue.task(task.name).state == "leased"
    stop = threading.Event()
    late = threading.Timer(30.0, stop.set)  # well before the lease runs out
    late.start()
    assert live(orders(shop), stop) == 1
    late.cancel()
    late.join()
    done = shop.workspace.catalog.queue.task(task.name)
    assert (done.state, done.attempts) == ("done", 2)


def test_spawned_agents_share_the_work_and_end(shop) -> None:
    before, others = shop.snapshot(), psutil.Process().children()
    for pair in EDITS[:3]:
        shop.ask(pair)
    done = shop.work(engine="spawned", agents=2, terms=QUICK)
    assert [task.state for task in done.tasks] == ["done"] * 3
    assert (done.deaths, len(shop.offers("ready"))) == (0, 3)
    assert {agent.state for agent in shop.workspace.catalog.agents.all()} == {"stopped"}
    assert set(psutil.Process().children()) <= set(others)
    nothing_is_left(shop, before)


@pytest.mark.slow
def test_an_agent_that_cannot_start_is_told_of(shop) -> None:
    shop.ask(EDITS[0])
    with pytest.raises(Failure, match=r"agents die before they begin: .*no_such_module"):
        shop.work(engine="spawned", terms=QUICK, rules=_Unloadable())


class _Unloadable(Rules):
    def __reduce__(self):
        return (_load, ())

    def __init__(self) -> None:
        super().__init__()


def _load():
    raise ModuleNotFoundError("no_such_module")


def wrong(task, folder, job) -> Outcome:
    raise UserError("there is nothing to win here")


def shaky(task, folder, job) -> Outcome:
    if job.record.attempts < 3:
        raise OSError("the network is down")
    return Outcome((), {"at": "last"})


def test_what_no_attempt_can_do_fails_at_once_and_anything_else_is_tried_again(shop) -> None:
    shop.ask(EDITS[0])
    (task,) = shop.work(work=wrong).tasks
    assert (task.state, task.attempts, task.reason) == ("failed", 1, "there is nothing to win here")
    shop.ask(EDITS[0])
    task = shop.work(work=shaky).tasks[-1]
    assert (task.state, task.attempts, task.facts) == ("done", 3, {"at": "last"})
    shop.ask(EDITS[0], most_attempts=2)
    task = shop.work(work=shaky).tasks[-1]
    assert (task.state, task.attempts, task.reason) == ("failed", 2, "OSError: the network is down")
    agent = shop.workspace.catalog.agents.agent("agent-1")
    assert (agent.done, agent.failed, agent.lost) == (1, 5, 0)


def test_an_agent_does_only_what_its_rules_allow(make_shop) -> None:
    rules = Rules(agents={"agent-1": Access(paths=("notes.txt",))})
    shop = make_shop(rules=rules)
    shop.ask(EDITS[0], priority=90)
    shop.ask(("two", "2"), path="notes.txt")
    done = shop.work()
    assert [(task.paths, task.state) for task in done.tasks] == [
        (("ops.py",), "waiting"),
        (("notes.txt",), "done"),
    ]


def elsewhere(task, folder, job) -> Outcome:
    from bloomery.optimize.changes import About, open_ledger, propose

    ledger = open_ledger(job.workspace, folder)
    return Outcome((propose(ledger, About(proposer="x"), texts={"ops.py": MODULE + "\n"}).cid,))


def test_a_patch_that_the_agents_rules_do_not_allow_is_not_offered(make_shop) -> None:
    shop = make_shop(rules=Rules(agents={"agent-1": Access(paths=("notes.txt",))}))
    shop.ask(("two", "2"), path="notes.txt")
    (task,) = shop.work(work=elsewhere).tasks
    assert shop.offers() == []
    assert "agent-1 may not change ops.py" in next(iter(task.facts["not_allowed"].values()))


def by_model(task, folder, job) -> Outcome:
    from bloomery.optimize.changes import About, open_ledger, propose

    about = About(proposer="language models", network=True)
    ledger = open_ledger(job.workspace, folder, Rules(agents={"language models": Access(network=True)}))
    return Outcome((propose(ledger, about, texts={"ops.py": MODULE + "\n"}).cid,))


@pytest.mark.parametrize(
    ("agents", "offered"),
    [
        ({}, 0),
        ({"language models": Access(network=True)}, 1),
        ({"agent-1": Access(network=True), "language models": Access(network=True)}, 1),
        ({"agent-1": Access(), "language models": Access(network=True)}, 0),
    ],
)
def test_what_a_model_elsewhere_wrote_needs_leave_for_the_network(make_shop, agents, offered: int) -> None:
    shop = make_shop(rules=Rules(agents=agents))
    shop.ask(EDITS[0])
    shop.work(work=by_model)
    assert len(shop.offers()) == offered


def test_two_cannot_work_on_one_queue_nor_live_under_one_name(shop) -> None:
    shop.ask(EDITS[0])
    with held(lock_of(shop.home, "agent-1"), "another"), pytest.raises(WorkspaceBusy, match="agent-1"):
        live(orders(shop))
    shop.work()
    lock = next((shop.home / "agents").glob("crew-*.lock"))
    with held(lock, "another"), pytest.raises(WorkspaceBusy, match="crew"):
        shop.work()


def slow_once(task, folder, job) -> Outcome:
    if job.record.attempts == 1:
        os.kill(os.getpid(), signal.SIGSTOP)
    return editing(task, folder, job)


@pytest.mark.slow
def test_an_agent_that_hangs_is_killed_and_its_task_done_by_another(shop) -> None:
    before = shop.snapshot()
    shop.ask(EDITS[0])
    done = shop.work(engine="spawned", work=slow_once, terms=replace(QUICK, hung_s=1.5))
    assert [(task.state, task.attempts) for task in done.tasks] == [("done", 2)]
    assert done.deaths == 1
    nothing_is_left(shop, before)


@pytest.mark.slow
def test_thirty_kills_at_any_moment_lose_no_task_and_leave_nothing(shop) -> None:
    rng, before, kills, over = random.Random(11), shop.snapshot(), [], threading.Event()
    names = [shop.ask(pair, most_attempts=1000).name for pair in EDITS]
    open_ = lambda: {task.name for task in shop.workspace.catalog.queue.tasks() if task.state != "done"}  # noqa: E731

    def kill() -> None:
        """Any of the agents, at any moment (every other time: once one is at a task), 30 times; a task that
        is done is asked for again until then."""
        while len(kills) < 30 and not over.is_set():
            while len(kills) % 2 and not any(one.task for one in shop.workspace.catalog.agents.all()):
                time.sleep(0.02)
            time.sleep(rng.uniform(0.0, 0.3 if len(kills) % 2 else 1.2))
            agents = [one for one in psutil.Process().children() if one.name().startswith("python")]
            if agents:
                victim = rng.choice(agents)
                victim.kill()
                kills.append(victim.pid)
            for name in set(names) - open_() if len(kills) < 30 else ():
                shop.workspace.catalog.queue.put_back(name, now=_now())

    thread = threading.Thread(target=kill)
    thread.start()
    try:
        done = shop.work(engine="spawned", agents=2, terms=QUICK)
        while thread.is_alive():
            done = shop.work(engine="spawned", agents=2, terms=QUICK)
    finally:
        over.set()
        thread.join()
    done = shop.work(engine="spawned", agents=2, terms=QUICK)
    assert len(kills) == 30
    assert sum(agent.lost for agent in shop.workspace.catalog.agents.all()) >= 5  # they struck at tasks, too
    assert {task.name: task.state for task in done.tasks} == dict.fromkeys(names, "done")
    assert {offer.task for offer in done.offers} == set(names)
    assert len({offer.cid for offer in done.offers}) == len(names)  # done twice, it is the same patch
    nothing_is_left(shop, before)


def _now():
    from bloomery.optimize.coordinating.asking import now

    return now()


def endless_once(task, folder, job) -> Outcome:
    if job.record.attempts == 1:
        time.sleep(600)
    return editing(task, folder, job)


@pytest.mark.slow
def test_agents_end_when_who_watches_them_is_killed_and_the_next_goes_on(shop) -> None:
    before = shop.snapshot()
    shop.ask(EDITS[0])
    shop.workspace.catalog.close()
    child = os.fork()
    if child == 0:
        try:
            shop.work(engine="spawned", work=endless_once, terms=QUICK)
        finally:
            os._exit(0)
    try:
        agent = _wait_for(
            lambda: next((one for one in shop.workspace.catalog.agents.all() if one.task), None)
        )
    finally:
        os.kill(child, signal.SIGKILL)
        os.waitpid(child, 0)
    _wait_for(lambda: not is_held(lock_of(shop.home, agent.name)))
    done = shop.work(engine="spawned", work=endless_once, terms=QUICK)
    assert [(task.state, task.attempts) for task in done.tasks] == [("done", 2)]
    nothing_is_left(shop, before)


def _wait_for(found):
    until = time.monotonic() + 60
    while time.monotonic() < until:
        if value := found():
            return value
        time.sleep(0.05)
    raise AssertionError("it did not happen within a minute")
