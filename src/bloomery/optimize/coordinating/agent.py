"""An agent's life: take a task, do it in a worktree of its own, say what came of it, until nothing is left.

Whatever kills it: the task's lease runs out (or whoever watches gives it back), its worktree is removed at
the next start, and a task has either its end with all its patches in the catalog or none of it.
"""

import os
import socket
import threading
import time
import uuid
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from functools import partial
from pathlib import Path

from bloomery.core.catalog import TaskRecord
from bloomery.core.catalog.giving_back import give_back
from bloomery.core.catalog.working import AgentState
from bloomery.core.errors import BloomeryError, UserError, WorkspaceBusy
from bloomery.core.log import get_log
from bloomery.core.tokens import mask
from bloomery.core.workspace import Workspace
from bloomery.optimize.changes import Ledger, Rules, open_ledger
from bloomery.optimize.changes.access import check_paths
from bloomery.optimize.changes.lock import held
from bloomery.optimize.changes.worktree import worktree
from bloomery.optimize.coordinating.asking import now, task_of
from bloomery.optimize.coordinating.jobs import Job, Outcome, Work, check_may_use
from bloomery.optimize.coordinating.trees import commit_of

Watch = Callable[[str, TaskRecord], None]  # told where an agent is in a task
POINTS = ("taken", "placed", "worked", "judged", "ended")
_log = get_log("coordinating")


class NameTaken(WorkspaceBusy):
    """Another agent has the name by now."""


@dataclass(frozen=True, kw_only=True)
class Terms:
    """How long a task is given out, how often an agent says that it lives, when it counts as hung (seconds).

    The lease is for what nobody watches (another machine): here, a dead agent's task goes back at once.
    """

    lease_s: float = 120.0
    beat_s: float = 10.0
    hung_s: float = 90.0
    again_s: float = 5.0  # how long a task rests after an attempt that failed
    poll_s: float = 0.2


@dataclass(frozen=True, kw_only=True)
class Orders:
    """What an agent has to know; it travels to its process. `parent`: it ends when that process does."""

    name: str
    space: Path
    root: Path
    work: Work
    rules: Rules | None = None
    terms: Terms = field(default_factory=Terms)
    parent: int | None = None


def lock_of(space: Path, name: str) -> Path:
    """Held by the agent of this name as long as it lives."""
    return space / "agents" / f"{name}.lock"


def live(orders: Orders, stop: threading.Event | None = None, watch: Watch | None = None) -> int:
    """Work on the repository's tasks until none waits or is being worked on; how many were ended here.

    Raises: NameTaken if an agent of this name is at work.
    """
    stop, ended = stop or threading.Event(), 0
    workspace = Workspace.open(orders.space)
    with _named(orders):
        ledger = open_ledger(workspace, orders.root, orders.rules)
        agents, life = workspace.catalog.agents, uuid.uuid4().hex
        agents.start(orders.name, life=life, host=socket.gethostname(), pid=os.getpid(), now=now())
        _give_back(workspace, orders.name)
        try:
            while not stop.is_set() and (record := _next(ledger, orders, stop)):
                ended += _do(ledger, orders, life, record, watch or (lambda point, task: None))
        except BaseException as error:
            if not isinstance(error, Exception):  # stopped by a person: that was no attempt
                _give_back(workspace, orders.name, counted=False)
            agents.end(orders.name, life, "stopped", mask(f"{type(error).__name__}: {error}"))
            raise
        agents.end(orders.name, life, "stopped")
    return ended


@contextmanager
def _named(orders: Orders) -> Iterator[None]:
    with ExitStack() as stack:
        try:
            stack.enter_context(held(lock_of(orders.space, orders.name), f"agent {orders.name}"))
        except WorkspaceBusy as error:
            raise NameTaken(str(error)) from error
        yield


def _give_back(workspace: Workspace, name: str, *, counted: bool = True) -> None:
    """What this life, or an earlier one of this name, was at."""
    queue = workspace.catalog.queue
    leases = [task.lease for task in queue.tasks("leased") if task.agent == name and task.lease]
    queue.take_back(now=now(), leases=leases) if counted else give_back(queue, leases)


def _next(ledger: Ledger, orders: Orders, stop: threading.Event) -> TaskRecord | None:
    """A task; waits as long as somebody else's may come back."""
    queue = ledger.workspace.catalog.queue
    allowed = partial(may_change, ledger.rules, orders.name)
    while not stop.is_set():
        moment = now()
        until = moment + timedelta(seconds=orders.terms.lease_s)
        record = queue.take(orders.name, now=moment, until=until, root=ledger.root, allowed=allowed)
        if record is not None:
            return record
        left = [one for one in queue.tasks(root=ledger.root) if one.state in ("waiting", "leased")]
        if not any(allowed(one.paths) for one in left):
            return None
        time.sleep(orders.terms.poll_s)
    return None


def may_change(rules: Rules, agent: str, paths: Sequence[str]) -> bool:
    try:
        check_paths(rules, agent, paths)
    except UserError:
        return False
    return True


def _do(ledger: Ledger, orders: Orders, life: str, record: TaskRecord, watch: Watch) -> int:
    queue, agents = ledger.workspace.catalog.queue, ledger.workspace.catalog.agents
    lease = str(record.lease)
    watch("taken", record)
    with _beating(ledger.workspace, orders, life, record) as say:
        try:
            outcome = _worked(ledger, orders, record, say, watch)
        except Exception as error:  # edge: an agent's work; how it ends is recorded with the task
            _log.warning("a task failed", task=record.name, agent=orders.name, why=str(error))
            again = None if isinstance(error, UserError) else now() + timedelta(seconds=orders.terms.again_s)
            why = str(error) if isinstance(error, BloomeryError) else f"{type(error).__name__}: {error}"
            return int(queue.fail(record.name, lease, mask(why), now=now(), again_at=again))
        watch("judged", record)
        counted = queue.finish(record.name, lease, patches=outcome.patches, facts=outcome.facts, now=now())
    watch("ended", record)
    agents.beat(orders.name, life, now=now(), state="idle", task=None, worktree=None)
    return int(counted)


def _worked(
    ledger: Ledger, orders: Orders, record: TaskRecord, say: Callable[..., None], watch: Watch
) -> Outcome:
    on = record.facts.get("on")
    start = commit_of(ledger, ledger.load(on)) if on else "HEAD"
    with worktree(ledger, orders.name, commit=start) as folder:
        say("working", worktree=str(folder))
        watch("placed", record)
        job = Job(record, orders.name, ledger.workspace, ledger.rules, say, on)
        outcome = orders.work(task_of(record, folder), folder, job)
        watch("worked", record)
    against = check_may_use(ledger.rules, orders.name, [ledger.load(cid) for cid in outcome.patches])
    facts = {**record.facts, **outcome.facts, **({"not_allowed": against} if against else {})}
    return Outcome(tuple(cid for cid in outcome.patches if cid not in against), facts)


@contextmanager
def _beating(
    workspace: Workspace, orders: Orders, life: str, record: TaskRecord
) -> Iterator[Callable[..., None]]:
    """Says every few seconds that the agent lives, and keeps its task; gives a function that says more."""
    over, catalog = threading.Event(), workspace.catalog

    def say(state: AgentState, **values: str) -> None:
        catalog.agents.beat(orders.name, life, now=now(), state=state, task=record.name, **values)

    def beat() -> None:
        while not over.wait(orders.terms.beat_s):
            if orders.parent is not None and os.getppid() != orders.parent:
                os._exit(1)  # nobody watches any more; what is left is put in order at the next start
            try:
                os.utime(lock_of(orders.space, orders.name))  # heard however busy the catalog is
                until = now() + timedelta(seconds=orders.terms.lease_s)
                catalog.queue.renew(record.name, str(record.lease), until)
                catalog.agents.beat(orders.name, life, now=now())
            except Exception as error:  # edge: a thread; the next beat will do
                _log.info("a heartbeat was missed", agent=orders.name, why=str(error))

    say("working")
    thread = threading.Thread(target=beat, name=f"heartbeat of {orders.name}", daemon=True)
    thread.start()
    try:
        yield say
    finally:
        over.set()
        thread.join()
