"""Agents as processes: started, watched, buried, started again, until the queue of a repository is empty."""

import socket
import time
from dataclasses import dataclass, field
from hashlib import sha256
from pathlib import Path

from bloomery.core import engine as engines
from bloomery.core.catalog import AgentRecord, ConflictRecord, OfferRecord, TaskRecord
from bloomery.core.engine import EngineName
from bloomery.core.errors import Failure
from bloomery.core.log import get_log
from bloomery.core.workspace import Workspace
from bloomery.optimize.changes import Ledger, Rules, open_ledger
from bloomery.optimize.changes.lock import held, is_held
from bloomery.optimize.changes.worktree import clear_worktrees
from bloomery.optimize.coordinating.agent import Orders, Terms, live, lock_of, may_change
from bloomery.optimize.coordinating.arbitrating import arbitrate
from bloomery.optimize.coordinating.asking import now
from bloomery.optimize.coordinating.jobs import Validate, Work, optimizing, validating
from bloomery.optimize.coordinating.processes import (
    TAKEN,
    Process,
    Running,
    Silence,
    hung,
    kill,
    last_words,
    processes,
    spawn,
)
from bloomery.optimize.coordinating.table import Known, Told

MOST_BARREN = 3  # agents that may fail in a row without having begun a task
MOST_KILLED = 30  # that many if somebody kills them
_log = get_log("coordinating")


@dataclass(frozen=True, kw_only=True)
class Crew:
    """How tasks are worked on. `engine`: "spawned" are processes of this machine that are watched; the
    others are those of `core.engine`, "ray" for many machines that share the folders and the catalog.
    `rules` take the place of the repository's."""

    work: Work = optimizing
    validate: Validate = validating
    agents: int = 2
    rules: Rules | None = None
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
    tasks, known = catalog.queue.tasks("leased"), catalog.agents.all()  # before: a new life may begin now
    gone = {agent.name: agent for agent in known if not is_alive(ledger.workspace, agent)}
    leases = [task.lease for task in tasks if task.agent in gone and task.lease]
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
    return [task for task in open_ if any(may_change(ledger.rules, name, task.paths) for name in names)]


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
        name=name, space=ledger.workspace.root, root=Path(ledger.root), work=crew.work, rules=ledger.rules,
        terms=crew.terms,
    )  # fmt: skip


def _names(ledger: Ledger, count: int) -> list[str]:
    """The first names that no living agent has."""
    numbers = (f"agent-{number}" for number in range(1, 10_000))
    free = (name for name in numbers if not is_held(lock_of(ledger.workspace.root, name)))
    return [name for name, _ in zip(free, range(count), strict=False)]


def _watched(ledger: Ledger, crew: Crew, say: Told, known: Known) -> int:
    """Processes until no task is left; how many died."""
    deaths, barren, silence = 0, 0.0, Silence()
    with processes(ledger) as running:
        while _left(ledger, crew) or running:
            for name, process in list(running.items()):
                if process.poll() is not None:
                    del running[name]
                    died, weight = _ended(ledger, name, process, say)
                    deaths += died
                    barren = barren + weight if weight else 0.0
            if barren >= 1:
                raise Failure(f"agents die before they begin: {last_words(ledger)}")
            for name in hung(ledger, running, silence, crew.terms.hung_s):
                say("hung", name)
                kill(running[name])
            arbitrate(ledger, crew.validate, say, known)
            _fill(ledger, crew, running, say)
            time.sleep(crew.terms.poll_s)
    return deaths


def _ended(ledger: Ledger, name: str, process: Process, say: Told) -> tuple[bool, float]:
    """Whether an agent died, and how much that says of all: nothing if it was at a task, or did not die."""
    kill(process)  # what it started
    died = process.returncode not in (0, TAKEN)
    died_at_task = any(agent.task for agent in bury(ledger) if agent.name == name)
    say("died" if died else "ended", name)
    weight = 1 / MOST_BARREN if process.returncode > 0 else 1 / MOST_KILLED
    return died, weight if died and not died_at_task else 0.0


def _fill(ledger: Ledger, crew: Crew, running: Running, say: Told) -> None:
    """Start as many agents as are missing."""
    missing = min(crew.agents, len(_left(ledger, crew))) - len(running)
    if missing <= 0:
        return
    names = [name for name in _names(ledger, missing + len(running)) if name not in running]
    for name in names[:missing]:
        running[name] = spawn(_orders(ledger, crew, name))
        say("started", name)
