"""The processes of agents on this machine: started, listened to, stopped."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Hashable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace

import cloudpickle

from bloomery.core.catalog.giving_back import give_back
from bloomery.core.engine import PINNED
from bloomery.core.log import get_log
from bloomery.optimize.changes import Ledger
from bloomery.optimize.coordinating.agent import Orders, lock_of

STOP_S = 10.0
TAKEN = 75  # the exit code of an agent whose name another one has by now: it did nothing, and did not die
MOST_STEP_S = 5.0
Process = subprocess.Popen[bytes]
Running = dict[str, Process]
_log = get_log("coordinating")


@dataclass
class Silence:
    """How long agents were silent while somebody listened, by what changes when they give a sign of life.

    No calendar is asked, and a listener who was kept away (by a busy or suspended machine, by other work)
    counts `MOST_STEP_S` of that: agents cannot be blamed for what nobody could have heard.
    """

    clock: Callable[[], float] = time.monotonic
    _heard: dict[str, tuple[Hashable, float, float]] = field(default_factory=dict)

    def of(self, name: str, sign: Hashable) -> float:
        """Seconds, counted from call to call."""
        at = self.clock()
        before, silent, last = self._heard.get(name, (None, 0.0, at))
        silent = silent + min(at - last, MOST_STEP_S) if sign == before else 0.0
        self._heard[name] = sign, silent, at
        return silent


@contextmanager
def processes(ledger: Ledger) -> Iterator[Running]:
    """Whatever happens, no agent outlives the block: asked to stop first, killed if it does not."""
    running: Running = {}
    try:
        yield running
    finally:
        asked = {process.pid for process in running.values() if process.poll() is None}
        for process in running.values():
            process.terminate()
        until = time.monotonic() + STOP_S
        for process in running.values():
            try:
                process.wait(max(0.0, until - time.monotonic()))
            except subprocess.TimeoutExpired:
                kill(process)
        _note_stopped(ledger, running, asked)


def _note_stopped(ledger: Ledger, running: Running, asked: set[int]) -> None:
    """Who was stopped in the middle of a task did not die of itself, and the task was not attempted."""
    agents, queue = ledger.workspace.catalog.agents, ledger.workspace.catalog.queue
    stopped = {name for name, process in running.items() if process.pid in asked}
    give_back(
        queue, [str(task.lease) for task in queue.tasks("leased", ledger.root) if task.agent in stopped]
    )
    for agent in agents.all():
        mine = agent.name in running and agent.pid == running[agent.name].pid and agent.pid in asked
        if mine and agent.state not in ("stopped", "dead"):
            agents.end(agent.name, agent.life, "stopped", "stopped in the middle of its task, as was asked")


def spawn(orders: Orders) -> Process:
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


def hung(ledger: Ledger, running: Running, silence: Silence, longest_s: float) -> list[str]:
    """Agents at a task that gave no sign of life for too long: neither in the catalog nor by their lock."""
    found = []
    for agent in ledger.workspace.catalog.agents.all():
        process = running.get(agent.name)
        if process is not None and agent.pid == process.pid and agent.task:
            lock = lock_of(ledger.workspace.root, agent.name)
            touched = lock.stat().st_mtime_ns if lock.exists() else 0
            if silence.of(agent.name, (agent.life, agent.task, agent.seen_at, touched)) > longest_s:
                found.append(agent.name)
    return found


def kill(process: Process) -> None:
    try:
        os.killpg(process.pid, signal.SIGKILL)  # it leads a session of its own
    except ProcessLookupError:
        _log.debug("an agent was gone already", pid=process.pid)
    process.wait()


def last_words(ledger: Ledger) -> str:
    """What the agent that spoke last said last."""
    logs = sorted(
        (ledger.workspace.root / "agents").glob("agent-*.log"), key=lambda path: path.stat().st_mtime
    )
    lines = logs[-1].read_text(errors="replace").strip().splitlines() if logs else []
    return lines[-1] if lines else "they said nothing"
