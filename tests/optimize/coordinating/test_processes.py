"""Who counts as dead: agents that died, and nobody else, however loaded the machine is."""

import threading
from types import SimpleNamespace

import pytest

from bloomery.core.errors import WorkspaceBusy
from bloomery.optimize.changes.lock import held
from bloomery.optimize.coordinating import Terms, agent, bury, crew, processes
from bloomery.optimize.coordinating.agent import lock_of
from bloomery.optimize.coordinating.asking import now
from bloomery.optimize.coordinating.processes import MOST_STEP_S, Silence, hung
from tests.optimize.coordinating.test_crew import EDITS, QUICK, endless_once, orders


class Clock:
    at = 100.0

    def __call__(self) -> float:
        return self.at


def test_silence_is_counted_while_somebody_listens() -> None:
    clock = Clock()
    silence = Silence(clock)
    told = []
    for step, sign in [(0, "a"), (2, "a"), (3, "a"), (1, "b"), (4, "b"), (3600, "b"), (0, "c")]:
        clock.at += step
        told.append(silence.of("agent-1", sign))
    assert told == [0, 2, 5, 0, 4, 4 + MOST_STEP_S, 0]  # an hour in which nobody listened is one step
    assert silence.of("agent-2", "c") == 0


def begin(shop, name: str, life: str, pid: int = 1) -> str:
    """What an agent that has taken a task has told the catalog; its lease."""
    catalog, moment = shop.workspace.catalog, now()
    catalog.agents.start(name, life=life, host=crew.socket.gethostname(), pid=pid, now=moment)
    task = catalog.queue.take(name, now=moment, until=moment.replace(year=moment.year + 1))
    catalog.agents.beat(name, life, now=moment, state="working", task=task.name)
    return task.lease


def test_what_a_new_life_takes_while_the_dead_are_buried_stays_its_own(shop, monkeypatch) -> None:
    for pair in EDITS[:2]:
        shop.ask(pair)
    lost, leases = begin(shop, "agent-1", "first"), []

    def is_alive(workspace, agent) -> bool:
        leases.append(begin(shop, "agent-1", "second"))  # it had not locked its name yet; now it works
        return False

    monkeypatch.setattr(crew, "is_alive", is_alive)
    bury(shop.ledger)
    catalog = shop.workspace.catalog
    assert [task.lease for task in catalog.queue.tasks("leased")] == leases
    assert lost not in leases
    found = catalog.agents.agent("agent-1")
    assert (found.life, found.state, found.lost) == ("second", "working", 1)  # the first life lost one


def test_an_agent_is_hung_when_neither_the_catalog_nor_its_lock_hear_of_it(shop) -> None:
    shop.ask(EDITS[0])
    begin(shop, "agent-1", "one", pid=7)
    lock, clock = lock_of(shop.home, "agent-1"), Clock()
    lock.parent.mkdir(exist_ok=True)
    lock.touch()
    running, silence = {"agent-1": SimpleNamespace(pid=7)}, Silence(clock)

    def found() -> list[str]:
        clock.at += 4
        return hung(shop.ledger, running, silence, 6.0)

    assert [found(), found()] == [[], []]
    lock.touch()  # the catalog is busy, the agent lives
    assert [found(), found()] == [[], []]
    shop.workspace.catalog.agents.beat("agent-1", "one", now=now())
    assert [found(), found(), found()] == [[], [], ["agent-1"]]


def test_a_heart_goes_on_beating_after_a_beat_that_failed(shop, monkeypatch) -> None:
    shop.ask(EDITS[0])
    lease = begin(shop, "agent-1", "one")
    with held(lock_of(shop.home, "agent-1"), "it"):
        record, missed, beats = shop.workspace.catalog.queue.tasks("leased")[0], [], threading.Event()

        class Queue:
            def renew(self, name: str, given: str, until: object) -> None:
                if len(missed) < 2:
                    missed.append(given)
                    raise RuntimeError("the pool of connections is exhausted")
                beats.set()

        space = SimpleNamespace(catalog=SimpleNamespace(agents=shop.workspace.catalog.agents, queue=Queue()))
        with agent._beating(space, orders(shop), "one", record):
            assert beats.wait(20)
    assert missed == [lease] * 2


class Interrupted(BaseException):
    pass


@pytest.mark.slow
def test_who_is_stopped_in_the_middle_of_a_task_did_not_die(shop, monkeypatch) -> None:
    shop.ask(EDITS[0])
    agents = shop.workspace.catalog.agents
    monkeypatch.setattr(processes, "STOP_S", 0.3)

    def interrupt(*_: object) -> int:
        if any(one.task for one in agents.all()):
            raise Interrupted
        return 0

    monkeypatch.setattr(crew, "arbitrate", interrupt)
    with pytest.raises(Interrupted):
        shop.work(engine="spawned", work=endless_once, terms=QUICK)
    (found,) = agents.all()
    assert (found.state, found.task) == ("stopped", None)
    assert "as was asked" in found.reason
    assert [(task.state, task.attempts) for task in shop.workspace.catalog.queue.tasks()] == [("waiting", 0)]


def test_a_person_who_interrupts_has_attempted_nothing(shop) -> None:
    """Ctrl-C, where the agent works in the command's own process; an error of the work's own does count."""
    shop.ask(EDITS[0], most_attempts=2)

    def interrupted(*_: object) -> None:
        raise KeyboardInterrupt

    for _ in range(3):
        with pytest.raises(KeyboardInterrupt):
            shop.work(work=interrupted)
    (task,) = shop.workspace.catalog.queue.tasks()
    assert (task.state, task.attempts, task.lease) == ("waiting", 0, None)
    assert [one.lost for one in shop.workspace.catalog.agents.all()] == [0]
    (done,) = shop.work().tasks
    assert (done.state, done.attempts) == ("done", 1)


@pytest.mark.slow
def test_an_agent_whose_name_was_taken_meanwhile_is_no_death(shop, monkeypatch) -> None:
    shop.ask(EDITS[0])
    names, told = crew._names, []
    monkeypatch.setattr(crew, "_names", lambda *_: names(*_) if told else told.append(1) or ["agent-1"])
    with held(lock_of(shop.home, "agent-1"), "another"):
        done = shop.work(engine="spawned", terms=Terms(poll_s=0.02))
    assert (done.deaths, [task.state for task in done.tasks]) == (0, ["done"])
    assert {one.name for one in shop.workspace.catalog.agents.all()} == {"agent-2"}


def test_a_name_that_is_taken_is_told_as_that(shop) -> None:
    with held(lock_of(shop.home, "agent-1"), "another"), pytest.raises(agent.NameTaken) as busy:
        agent.live(orders(shop))
    assert isinstance(busy.value, WorkspaceBusy)
