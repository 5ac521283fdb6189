"""Which protections hold on this machine: each is attacked once, and what was stopped is in force."""

import fcntl
import json
import os
import shutil
import socket
import sys
import tempfile
import time
from contextlib import closing
from functools import lru_cache
from pathlib import Path
from typing import Any

from bloomery.core.sandbox import cgroup
from bloomery.core.sandbox.limits import PROTECTIONS, How, Limits, Protections
from bloomery.core.sandbox.process import Ended, execute
from bloomery.core.sandbox.walls import OWN_PROCESSES, Walls, choose

TRIAL = Limits(time_s=20, memory_bytes=256 * 2**20, processes=8, file_bytes=2**20, output_bytes=2**16)
ATTACKS = Path(__file__).with_name("attacks.py").read_text(encoding="utf-8")
BY_THE_PARENT = ("time", "output")  # kept by this side, on every machine

WHY_MISSING = {
    "network": "no network namespace, and no seccomp filter for this processor or kernel",
    "filesystem": "no mount namespace and no Landlock (Linux 5.13)",
    "metadata": "no mount namespace, and Landlock does not cover it",
    "reading": "no mount namespace and no Landlock",
    "environment": "no process namespace, and no Landlock to keep /proc of ours closed",
    "signals": "no process namespace, and Landlock is older than Linux 6.12",
    "processes": "RLIMIT_NPROC does not hold for root, and no control group can be made",
    "descendants": "no process namespace, no control group, and the process that adopts could be killed",
}


@lru_cache(maxsize=4)
def protections(how: How | None = None) -> Protections:
    """What is in force here, for the best way that works or the given one; tried once in a process."""
    walls = choose(how)
    held = set(BY_THE_PARENT)
    scratch = Path(tempfile.mkdtemp(prefix="bloomery-trial-")).resolve()
    try:
        held |= _attack(walls, scratch)
    finally:
        shutil.rmtree(scratch)
    missing = {
        name: WHY_MISSING.get(name, "the attack was not stopped") for name in PROTECTIONS if name not in held
    }
    return Protections(how=walls.how, in_force=frozenset(held), missing=missing, means=_means(walls))


def _means(walls: Walls) -> tuple[str, ...]:
    return (*walls.steps, *(["control group"] if cgroup.home_folder() else []))


def _attack(walls: Walls, scratch: Path) -> set[str]:
    folder, outside = scratch / "inside", scratch / "outside"
    folder.mkdir()
    outside.mkdir()
    victim, secret = outside / "victim", outside / "secret"
    victim.write_text("as it was")
    secret.write_text("secret")
    before = _state(outside)
    with (
        closing(socket.create_server(("127.0.0.1", 0))) as server,
        closing(socket.socket(socket.AF_UNIX)) as local,
        closing(socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)) as datagrams,
    ):
        local.bind(str(scratch / "socket"))
        local.listen()
        datagrams.bind(str(scratch / "datagrams"))
        host, port = server.getsockname()
        given = {
            "host": host,
            "port": port,
            "socket": str(scratch / "socket"),
            "datagrams": str(scratch / "datagrams"),
            "victim": str(victim),
            "secret": str(secret),
            "pid": os.getpid(),
            "namespace": str(Path("/proc/self/ns/pid").readlink()),
            "lock": str(folder / "lock"),
            "limits": {
                "memory_bytes": TRIAL.memory_bytes,
                "file_bytes": TRIAL.file_bytes,
                "processes": TRIAL.processes + OWN_PROCESSES,
            },
        }
        argv = [sys.executable, "-I", "-S", "-c", ATTACKS, json.dumps(given)]
        ended = execute(walls, argv, folder=folder, limits=TRIAL, stdin="")
    held = _reported(ended)
    if "system" in held:
        held |= _unchanged(before, _state(outside))
    adopter_is_safe = "signals" in held or cgroup.home_folder()
    if _is_free(folder / "lock") and adopter_is_safe:
        held.add("descendants")
    return held - {"system"}


def _reported(ended: Ended) -> set[str]:
    if ended.returncode != 0:
        return set()
    return {name for name, stopped in json.loads(ended.stdout).items() if stopped}


def _state(folder: Path) -> dict[str, tuple[str, tuple[int, int]]]:
    """Name to content, and to mode and time."""
    found = {}
    for path in folder.iterdir():
        status = path.lstat()
        content = "a link" if path.is_symlink() else path.read_text()
        found[path.name] = (content, (status.st_mode, status.st_mtime_ns))
    return found


def _unchanged(before: dict[str, Any], after: dict[str, Any]) -> set[str]:
    if {name: content for name, (content, _) in before.items()} != {
        name: content for name, (content, _) in after.items()
    }:
        return set()
    return {"filesystem", "metadata"} if before == after else {"filesystem"}


def _is_free(lock: Path, timeout_s: float = 2.0) -> bool:
    """The daemon took the lock and is dead."""
    if not lock.exists() or lock.read_bytes() != b"held":
        return False
    until = time.monotonic() + timeout_s
    with lock.open("rb") as file:
        while time.monotonic() < until:
            try:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                time.sleep(0.01)
                continue
            return True
    return False
