"""The trial's attacks, run inside by a fresh interpreter; prints which were stopped.

argv[1] is JSON: host, port, socket, datagrams, victim, secret, pid, namespace, lock, limits.
"""

import contextlib
import fcntl
import json
import os
import socket
import sys
import time
from collections.abc import Callable
from typing import Any


def stopped(attack: Callable[[], object]) -> bool:
    try:
        attack()
    except (OSError, MemoryError):
        return True
    return False


def connect(family: int, address: Any) -> None:
    with socket.socket(family) as sock:
        sock.settimeout(2)
        sock.connect(address)


def send(path: str) -> None:
    """From one end of a pair, which needs no call of `socket`, to another socket."""
    for end in socket.socketpair(socket.AF_UNIX, socket.SOCK_DGRAM):
        with end:
            end.sendto(b"x", path)


def write(path: str, data: bytes) -> None:
    with open(path, "ab", buffering=0) as file:  # noqa: PTH123
        while data:
            data = data[file.write(data) :]


def read(path: str) -> None:
    with open(path, "rb") as file:  # noqa: PTH123
        file.read(1)


def vandalize(victim: str) -> None:
    """Every way of changing what is outside; the parent looks whether any worked."""
    attacks: list[Callable[[], object]] = [
        lambda: write(victim, b"changed"),
        lambda: write(f"{victim}.created", b"new"),
        lambda: os.chmod(victim, 0o777),  # noqa: PTH101
        lambda: os.utime(victim, (1, 1)),
        lambda: os.symlink("/", f"{victim}.link"),  # noqa: PTH211
        lambda: os.rename(victim, f"{victim}.moved"),  # noqa: PTH104
        lambda: os.unlink(victim),  # noqa: PTH108
    ]
    for attack in attacks:
        stopped(attack)


def forks(most: int) -> bool:
    """At most `most` processes can be had at once."""
    gate, opening = os.pipe()
    children: list[int] = []
    try:
        while len(children) <= most:
            child = os.fork()
            if child == 0:
                os.close(opening)
                os.read(gate, 1)
                os._exit(0)
            children.append(child)
    except OSError:
        return True
    finally:
        os.close(opening)
        for child in children:
            os.waitpid(child, 0)
    return False


def leave_daemon(lock: str) -> None:
    """A process of its own session, without parent or output, that holds a lock as long as it lives."""
    if os.fork() == 0:
        os.setsid()
        if os.fork() == 0:
            held = os.open(lock, os.O_RDWR | os.O_CREAT)
            fcntl.flock(held, fcntl.LOCK_EX)
            os.write(held, b"held")
            for descriptor in (0, 1, 2):
                os.close(descriptor)
            time.sleep(60)
        os._exit(0)
    os.wait()
    until = time.monotonic() + 5
    while time.monotonic() < until:
        with contextlib.suppress(FileNotFoundError):
            if os.stat(lock).st_size:  # noqa: PTH116
                return
        time.sleep(0.005)


def main() -> None:
    given = json.loads(sys.argv[1])
    apart = os.readlink("/proc/self/ns/pid") != given["namespace"]  # noqa: PTH115
    limits = given["limits"]
    vandalize(given["victim"])
    held = {
        "network": stopped(lambda: connect(socket.AF_INET, (given["host"], given["port"])))
        and stopped(lambda: connect(socket.AF_UNIX, given["socket"]))
        and stopped(lambda: send(given["datagrams"])),
        "system": stopped(lambda: write("/proc/sys/kernel/core_pattern", b"")),
        "reading": stopped(lambda: read(given["secret"])),
        "environment": apart or stopped(lambda: read(f"/proc/{given['pid']}/environ")),
        "signals": apart or stopped(lambda: os.kill(given["pid"], 0)),
        "memory": stopped(lambda: bytearray(2 * limits["memory_bytes"])),
        "file_size": stopped(lambda: write("big", bytes(limits["file_bytes"] + 1))),
        "processes": forks(limits["processes"]),
    }
    leave_daemon(given["lock"])
    sys.stdout.write(json.dumps(held))


if __name__ == "__main__":
    main()
