"""One program behind walls, from its start to the death of its last process."""

import os
import selectors
import signal
import subprocess
import tempfile
import time
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import IO

from bloomery.core.sandbox import cgroup
from bloomery.core.sandbox.limits import KilledBy, Limits
from bloomery.core.sandbox.walls import OWN_PROCESSES, Walls, command, environment

ENTER_GROUP = 'echo $$ > "$0" && exec "$@"'
GRACE_S = 6.0


@dataclass(frozen=True, kw_only=True)
class Ended:
    """What is left of a program."""

    returncode: int
    stdout: str
    stderr: str
    killed_by: KilledBy | None
    duration_s: float


def execute(walls: Walls, argv: Sequence[str], *, folder: Path, limits: Limits, stdin: str) -> Ended:
    """Runs the program behind the walls; whatever it started is dead when this returns."""
    started = command(walls, argv, folder, limits)
    began = time.monotonic()
    processes = limits.processes + OWN_PROCESSES
    with (
        cgroup.group(processes=processes, memory_bytes=limits.memory_bytes) as group,
        tempfile.TemporaryFile() as given,
    ):
        given.write(stdin.encode())
        given.seek(0)
        if group is not None:
            started = ["/bin/sh", "-c", ENTER_GROUP, str(group / "cgroup.procs"), *started]
        process = subprocess.Popen(
            started,
            stdin=given,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            env=environment(folder),
            cwd="/",
            start_new_session=True,
        )
        with _Output(process, limits.output_bytes) as output:
            try:
                cut = output.follow(until=began + limits.time_s)
            finally:
                _stop(process, walls)
            killed_by = cut or output.drain() or _killed(process, group)
    code = -signal.SIGKILL if cut else process.returncode
    return Ended(
        returncode=code if code >= 0 else 128 - code,
        stdout=output.text(process.stdout),
        stderr=output.text(process.stderr),
        killed_by=killed_by,
        duration_s=time.monotonic() - began,
    )


class _Output:
    """What a process writes, up to a number of bytes."""

    def __init__(self, process: subprocess.Popen[bytes], most_bytes: int) -> None:
        self.left = most_bytes
        self.process = process
        self.taken: dict[int, bytearray] = {}
        self.ready = selectors.DefaultSelector()
        self.ended = os.pidfd_open(process.pid)

    def __enter__(self) -> "_Output":
        self.ready.register(self.ended, selectors.EVENT_READ)
        self.streams = {id(stream): stream for stream in (self.process.stdout, self.process.stderr) if stream}
        for name, stream in self.streams.items():
            os.set_blocking(stream.fileno(), False)
            self.ready.register(stream, selectors.EVENT_READ)
            self.taken[name] = bytearray()
        return self

    def __exit__(self, *_: object) -> None:
        self.ready.close()
        os.close(self.ended)
        for stream in self.streams.values():
            stream.close()

    def follow(self, until: float) -> KilledBy | None:
        """Reads until the process ends; says why where it has to be ended, and reads no more then."""
        reason = self._follow(until)
        if reason:
            for stream in self.streams.values():
                stream.close()  # else what dies with words could wait for us to read them
        return reason

    def _follow(self, until: float) -> KilledBy | None:
        while (left_s := until - time.monotonic()) > 0:
            events = [key.fileobj for key, _ in self.ready.select(left_s)]
            if any(isinstance(one, int) for one in events):
                return None
            for stream in events:
                if self._read(stream) == b"":  # type: ignore[arg-type]
                    self.ready.unregister(stream)
            if self.left < 0:
                return "output"
        return "time"

    def drain(self) -> KilledBy | None:
        """Reads what was written before the end and not yet read."""
        for stream in self.streams.values():
            while self.left >= 0 and self._read(stream):
                pass
        return "output" if self.left < 0 else None

    def _read(self, stream: IO[bytes]) -> bytes | None:
        try:
            data = os.read(stream.fileno(), 65536)
        except BlockingIOError:
            return None
        self.taken[id(stream)] += data[: max(self.left, 0)]
        self.left -= len(data)
        return data

    def text(self, stream: IO[bytes] | None) -> str:
        return self.taken[id(stream)].decode(errors="replace")


def _stop(process: subprocess.Popen[bytes], walls: Walls) -> None:
    """Ends all: by the first process of the namespace, or by the one that adopts; then the group."""
    if walls.how == "rlimits":
        process.terminate()
        gone = True
    else:
        gone = _kill_children(process.pid)
    if gone:
        with suppress(subprocess.TimeoutExpired):
            process.wait(GRACE_S)
    if process.returncode is None:
        with suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        process.wait()


def _kill_children(pid: int) -> bool:
    try:
        children = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
    except (FileNotFoundError, ProcessLookupError):
        return False
    for child in children:
        with suppress(ProcessLookupError):
            os.kill(int(child), signal.SIGKILL)
    return bool(children)


def _killed(process: subprocess.Popen[bytes], group: Path | None) -> KilledBy | None:
    """Which limit of the kernel's ended the process, where that can be told."""
    if process.returncode in (-signal.SIGXCPU, 128 + signal.SIGXCPU):
        return "cpu"
    events = group / "memory.events" if group else None
    if events and events.exists() and "oom_kill 0" not in events.read_text():
        return "memory"
    return None
