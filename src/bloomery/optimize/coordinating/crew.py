"""Agents as processes: started, watched, buried, started again, until the queue of a repository is empty."""

import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from hashlib import sha256
from pathlib import Path

import cloudpickle

from bloomery.core import engine as engines
from bloomery.core.catalog import AgentRecord, ConflictRecord, OfferRecord, TaskRecord
from bloomery.core.engine import PINNED, EngineName
from bloomery.core.errors import Failure
from bloomery.core.log import get_log
from bloomery.core.workspace import Workspace
from bloomery.optimize.changes import Ledger, Rules, open_ledger
from bloomery.optimize.changes.lock import held, is_held
from bloomery.optimize.changes.worktree import clear_worktrees
from bloomery.optimize.coordinating.agent import Orders, Terms, live, lock_of, may_change
from bloomery.optimize.coordinating.arbitrating import Known, arbitrate
from bloomery.optimize.coordinating.asking import now
from bloomery.optimize.coordinating.jobs import Validate, Work, optimizing, validating

MOST_BARREN = 3  # agents that may fail in a row without having begun a task
MOST_KILLED = 30  # that many if somebody kills them
STOP_S = 10.0
Told = Callable[[str, str], None]  # an event and what it is about, for whoever watches
_log = get_log("coordinating")


@dataclass(frozen=True, kw_only=True)
class Crew:
    """How tasks are worked on. `engine`: "spawned" are processes of this machine that are watched; the
    others are those of `core.engine`, "ray" for many machines that share the folders and the catalog."""

    work: Work = optimizing
    validate: Validate = validating
    agents: int = 2
    rules: Rules = field(default_factory=Rules)
    terms: Terms = field(default_factory=Terms)
    engine: EngineName | str = "spawned"


@dataclass(frozen=True)
class Summary:
    """Where the queue of a repository stands."""

    tasks: tuple[TaskRecord, ...]
    offers: tuple[OfferRecord, ...]
    conflicts: tuple[ConflictRecord, ...]
    deaths: int


def coordinate(workspace: Workspace, root: Path | str, crew: Crew, *, told: Told | None = None) -> Summary:
    """Have agents do all tasks that wait for a repository, and settle what they offer.

    Interrupted or killed, it goes on when it is called again. Nothing in the working tree is changed.
    Raises: WorkspaceBusy while another process does the same; Failure where no agent can be started.
    """
    say = told or (lambda event, subject: None)
    ledger = open_ledger(workspace, root, crew.rules)
    mark = sha256(ledger.root.encode()).hexdigest()[:12]
    with held(workspace.root / "agents" / f"crew-{mark}.lock", f"the queue of {ledger.root}"):
        bury(ledger)
        deaths, known = 0, Known()
        try:
            while _left(ledger, crew) or arbitrate(ledger, crew.validate, say, known):
                if crew.engine == "spawned":
                    deaths += _watched(ledger, crew, say, known)
                else:
                    deaths += _mapped(ledger, crew)
        finally:
            bury(ledger)
    return summary(ledger, deaths)


def summary(ledger: Ledger, deaths: int = 0) -> Summary:
    catalog = ledger.workspace.catalog
    return Summary(
        tuple(catalog.queue.tasks(root=ledger.root)),
        tuple(catalog.conflicts.offers(root=ledger.root)),
        tuple(catalog.conflicts.all(root=ledger.root)),
        deaths,
    )


def bury(ledger: Ledger) -> list[AgentRecord]:
    """Note which agents of this machine are dead, give their tasks back, and remove their worktrees."""
    catalog = ledger.workspace.catalog
    gone = {agent.name: agent for agent in catalog.agents.all() if not is_alive(ledger.workspace, agent)}
    leases = [task.lease for task in catalog.queue.tasks("leased") if task.agent in gone and task.lease]
    for task in catalog.queue.take_back(now=now(), leases=leases):
        _log.warning("an agent died at its task", agent=task.agent, task=task.name, state=task.state)
    dead = [agent for agent in gone.values() if agent.state not in ("stopped", "dead")]
    for agent in dead:
        catalog.agents.end(agent.name, agent.life, "dead", "its process ended without a word")
    clear_worktrees(ledger)
    return dead


def is_alive(workspace: Workspace, agent: AgentRecord) -> bool:
    """Whether its process lives, as far as this machine can tell."""
    return agent.host != socket.gethostname() or is_held(lock_of(workspace.root, agent.name))


def _left(ledger: Ledger, crew: Crew) -> list[TaskRecord]:
    """Tasks that have not ended and that an agent may do."""
    names = [f"agent-{number}" for number in range(1, crew.agents + 1)]
    tasks = ledger.workspace.catalog.queue.tasks(root=ledger.root)
    open_ = (task for task in tasks if task.state in ("waiting", "leased"))
    return [task for task in open_ if any(may_change(crew.rules, name, task.paths) for name in names)]


def _mapped(ledger: Ledger, crew: Crew) -> int:
    """Agents on an engine: each is a candidate whose value is how many tasks it ended."""
    names = _names(ledger, min(crew.agents, len(_left(ledger, crew))))
    orders = {name: _orders(ledger, crew, name) for name in names}
    outcomes = engines.map(live, orders, engine=crew.engine, workers=len(orders))  # type: ignore[arg-type]
    failed = [outcome for outcome in outcomes if outcome.error is not None]
    bury(ledger)
    if len(failed) == len(outcomes) and failed:
        raise Failure(f"no agent could work: {failed[0].error}")
    return len(failed)


def _orders(ledger: Ledger, crew: Crew, name: str) -> Orders:
    return Orders(
        name=name, space=ledger.workspace.root, root=Path(ledger.root), work=crew.work, rules=crew.rules,
        terms=crew.terms,
    )  # fmt: skip


def _names(ledger: Ledger, count: int) -> list[str]:
    """The first names that no living agent has."""
    numbers = (f"agent-{number}" for number in range(1, 10_000))
    free = (name for name in numbers if not is_held(lock_of(ledger.workspace.root, name)))
    return [name for name, _ in zip(free, range(count), strict=False)]


def _watched(ledger: Ledger, crew: Crew, say: Told, known: Known) -> int:
    """Processes until no task is left; how many died."""
    deaths, barren = 0, 0.0
    with _processes() as running:
        while _left(ledger, crew) or running:
            for name, process in list(running.items()):
                if process.poll() is not None:
                    del running[name]
                    _kill(process)
                    ended_well = process.returncode == 0
                    died_at_task = any(agent.task for agent in bury(ledger) if agent.name == name)
                    deaths += not ended_well
                    weight = 1 / MOST_BARREN if process.returncode > 0 else 1 / MOST_KILLED
                    barren = 0.0 if ended_well or died_at_task else barren + weight
                    say("ended" if ended_well else "died", name)
            if barren >= 1:
                raise Failure(f"agents die before they begin: {_last_words(ledger)}")
            _kill_hung(ledger, crew.terms, running, say)
            arbitrate(ledger, crew.validate, say, known)
            missing = min(crew.agents, len(_left(ledger, crew))) - len(running)
            for name in _names(ledger, missing + len(running)):
                if missing > 0 and name not in running:
                    running[name] = _spawn(_orders(ledger, crew, name))
                    missing -= 1
                    say("started", name)
            time.sleep(crew.terms.poll_s)
    return deaths


@contextmanager
def _processes() -> Iterator[dict[str, "subprocess.Popen[bytes]"]]:
    """Whatever happens, no agent outlives the block: asked to stop first, killed if it does not."""
    running: dict[str, subprocess.Popen[bytes]] = {}
    try:
        yield running
    finally:
        for process in running.values():
            process.terminate()
        until = time.monotonic() + STOP_S
        for process in running.values():
            try:
                process.wait(max(0.0, until - time.monotonic()))
            except subprocess.TimeoutExpired:
                _kill(process)


def _spawn(orders: Orders) -> "subprocess.Popen[bytes]":
    said = lock_of(orders.space, orders.name).with_suffix(".log")
    said.parent.mkdir(parents=True, exist_ok=True)
    path = os.pathsep.join(part for part in sys.path if part)  # what the work's module is imported from
    with said.open("wb") as output:
        process = subprocess.Popen(
            [sys.executable, "-m", "bloomery.optimize.coordinating.inside"],
            stdin=subprocess.PIPE, stdout=output, stderr=output, start_new_session=True,
            env={**os.environ, **PINNED, "PYTHONPATH": path},
        )  # fmt: skip
    assert process.stdin is not None
    try:
        process.stdin.write(cloudpickle.dumps(replace(orders, parent=os.getpid())))
        process.stdin.close()
    except BrokenPipeError:
        _log.warning("an agent died before it had its orders", agent=orders.name)
    return process


def _kill_hung(
    ledger: Ledger, terms: Terms, running: dict[str, "subprocess.Popen[bytes]"], say: Told
) -> None:
    """Who has not been heard of for too long is killed, with all that it started."""
    for agent in ledger.workspace.catalog.agents.all():
        process = running.get(agent.name)
        silent_s = (now() - agent.seen_at).total_seconds()
        if process is not None and agent.pid == process.pid and agent.task and silent_s > terms.hung_s:
            say("hung", agent.name)
            _kill(process)


def _kill(process: "subprocess.Popen[bytes]") -> None:
    try:
        os.killpg(process.pid, signal.SIGKILL)  # it leads a session of its own
    except ProcessLookupError:
        _log.debug("an agent was gone already", pid=process.pid)
    process.wait()


def _last_words(ledger: Ledger) -> str:
    logs: Sequence[Path] = sorted(
        (ledger.workspace.root / "agents").glob("agent-*.log"), key=lambda path: path.stat().st_mtime
    )
    lines = logs[-1].read_text(errors="replace").strip().splitlines() if logs else []
    return lines[-1] if lines else "they said nothing"
