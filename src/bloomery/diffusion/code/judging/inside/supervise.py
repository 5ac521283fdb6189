"""Runs inside the walls, before any program: starts them one after another, each alone, and tells what came.

Sent as text, so the standard library is all there is. The plan comes by stdin; a line of JSON goes out for
each program as soon as it has ended. Between two programs everything that is left of the first is gone: its
processes are killed, its files removed; and nothing of a later one is there before its turn.
"""

import base64
import ctypes
import json
import os
import resource
import selectors
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

MEMORY = resource.RLIMIT_AS


def keep_out() -> None:
    """No program may look into this process (PR_SET_DUMPABLE); orphans become ours (subreaper)."""
    libc = ctypes.CDLL(None, use_errno=True)
    libc.prctl(4, ctypes.c_ulong(0), 0, 0, 0)
    libc.prctl(36, ctypes.c_ulong(1), 0, 0, 0)


def clear(folder: Path) -> None:
    for path in folder.iterdir():
        if path.is_dir() and not path.is_symlink():
            shutil.rmtree(path, ignore_errors=True)
        else:
            path.unlink()


def write(folder: Path, files: dict[str, str]) -> None:
    for name, content in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(base64.b64decode(content))
        path.chmod(0o755)


def limit(plan: dict[str, Any]) -> None:
    resource.setrlimit(resource.RLIMIT_CPU, (plan["cpu_s"], plan["cpu_s"] + 1))
    hard = resource.getrlimit(MEMORY)[1]
    most = plan["memory_bytes"] if hard == resource.RLIM_INFINITY else min(plan["memory_bytes"], hard)
    resource.setrlimit(MEMORY, (most, most))


def follow(process: "subprocess.Popen[bytes]", plan: dict[str, Any]) -> tuple[str, dict[str, bytearray]]:
    """What it writes until it closes both ends, or why it has to be ended."""
    taken = {"out": bytearray(), "err": bytearray()}
    until, left = time.monotonic() + plan["wait_s"], plan["output_bytes"]
    with selectors.DefaultSelector() as ready:
        for name, stream in (("out", process.stdout), ("err", process.stderr)):
            ready.register(stream, selectors.EVENT_READ, name)  # type: ignore[arg-type]
        ended = os.pidfd_open(process.pid)
        ready.register(ended, selectors.EVENT_READ, "end")
        try:
            while ready.get_map():
                found = ready.select(max(0.0, until - time.monotonic()))
                if not found:
                    return "time", taken
                for key, _ in found:
                    if key.data == "end":
                        if len(found) == 1:  # nothing more to read: what still holds a pipe is no program
                            return "", taken
                        continue
                    data = os.read(key.fd, 65536)
                    if not data:
                        ready.unregister(key.fileobj)
                    left -= len(data)
                    taken[key.data] += data
                    if left < 0:
                        return "output", taken
                if len(ready.get_map()) == 1:
                    ready.unregister(ended)
                    process.wait(max(0.0, until - time.monotonic()))
        except subprocess.TimeoutExpired:
            return "time", taken
        finally:
            os.close(ended)
    return "", taken


def children() -> list[int]:
    found = []
    for name in filter(str.isdigit, os.listdir("/proc")):  # noqa: PTH208
        try:
            fields = Path("/proc", name, "stat").read_bytes().rpartition(b")")[2].split()
        except OSError:
            continue
        if int(fields[1]) == os.getpid():
            found.append(int(name))
    return found


def bury() -> None:
    """Kills children until there are none; those of a killed one become ours."""
    until = time.monotonic() + 5
    while time.monotonic() < until and (left := children()):
        for child in left:
            try:
                os.kill(child, signal.SIGKILL)
                os.waitpid(child, os.WNOHANG)
            except (ProcessLookupError, ChildProcessError):
                continue
        time.sleep(0.001)


def run(folder: Path, job: dict[str, Any], plan: dict[str, Any]) -> dict[str, Any]:
    given = os.memfd_create("given")
    os.write(given, job["stdin"].encode())
    os.lseek(given, 0, os.SEEK_SET)
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    process = subprocess.Popen(
        job["argv"],
        stdin=given,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        cwd=folder,
        start_new_session=True,
        preexec_fn=lambda: limit(plan),
    )
    os.close(given)
    killed, taken = follow(process, plan)
    process.kill()
    code = process.wait()
    bury()
    for stream in (process.stdout, process.stderr):
        stream.close()  # type: ignore[union-attr]
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    used = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    if code == -signal.SIGXCPU or (code == -signal.SIGKILL and used >= plan["cpu_s"]):
        killed = killed or "cpu"
    texts = {name: bytes(data).decode(errors="replace") for name, data in taken.items()}
    return {"code": code, "killed": killed, "cpu_s": used, **texts}


def main() -> None:
    plan = json.loads(sys.stdin.buffer.read())
    keep_out()
    folder = Path.cwd()
    for job in plan["jobs"]:
        clear(folder)
        write(folder, plan["shared"] | job["files"])
        sys.stdout.write(json.dumps(run(folder, job, plan)) + "\n")
        sys.stdout.flush()


if __name__ == "__main__":
    main()
