"""Calls of the operating system at which faults strike."""

import functools
import os
import subprocess
import weakref
from collections.abc import Callable
from typing import Any

from clock import CLOCK
from files import SHORT, WATCHED
from injecting import INJECTOR, error

SEAMS = {
    "rename": "rename", "replace": "rename", "link": "rename", "symlink": "rename",
    "remove": "remove", "unlink": "remove", "rmdir": "remove",
    "mkdir": "mkdir", "fsync": "sync", "fdatasync": "sync", "listdir": "list", "scandir": "list",
    "truncate": "write", "ftruncate": "write",
}  # fmt: skip
REAL: dict[str, Any] = {
    name: getattr(os, name) for name in (*SEAMS, "open", "close", "read", "write", "sendfile")
}
REAL_SPAWN = subprocess.Popen.__init__
REAL_WAIT = subprocess.Popen.wait
REAL_KILL = subprocess.Popen.kill
KILLED: weakref.WeakSet[Any] = weakref.WeakSet()
REAL_COMMUNICATE = subprocess.Popen.communicate


def _crossing(name: str, seam: str) -> Callable[..., Any]:
    real = REAL[name]

    @functools.wraps(real)
    def crossing(*args: Any, **kwargs: Any) -> Any:
        fault = INJECTOR.cross(seam, _said(args))
        if fault:
            raise error(fault["kind"], args[0] if args and isinstance(args[0], (str, bytes)) else None)
        result = real(*args, **kwargs)
        if seam == "rename" and len(args) > 1 and INJECTOR.frame():
            WATCHED.finished(args[1])
        return result

    return crossing


def _said(args: tuple[Any, ...]) -> str:
    return " ".join(str(one) for one in args[:2] if isinstance(one, (str, os.PathLike)))


def opened(path: Any, flags: int, mode: int = 0o777, *, dir_fd: int | None = None) -> int:
    if INJECTOR.frame() is None:
        return int(REAL["open"](path, flags, mode, dir_fd=dir_fd))
    writes = flags & (os.O_WRONLY | os.O_RDWR)
    if fault := INJECTOR.cross("open to write" if writes else "open", str(path)):
        raise error(fault["kind"], path)
    handle = int(REAL["open"](path, flags, mode, dir_fd=dir_fd))
    WATCHED.raw[handle] = path
    if flags & os.O_APPEND:
        WATCHED.appended.add(os.path.abspath(os.fsdecode(path)))  # noqa: PTH100
    return handle


def closed(handle: int) -> None:
    path = WATCHED.raw.pop(handle, None)
    REAL["close"](handle)
    if path is not None:
        WATCHED.finished(path)


def read(handle: int, size: int) -> bytes:
    fault = INJECTOR.cross("read")
    if fault and fault["kind"] != SHORT:
        raise error(fault["kind"])
    return bytes(REAL["read"](handle, max(1, min(size, 3)) if fault and size else size))


def write(handle: int, data: Any) -> int:
    fault = INJECTOR.cross("write", str(WATCHED.raw.get(handle, "")))
    if fault is None:
        return int(REAL["write"](handle, data))
    written = int(REAL["write"](handle, memoryview(data).cast("B")[: (len(data) + 1) // 2]))
    if fault["kind"] != SHORT:
        raise error(fault["kind"])
    return written


def sendfile(out_fd: int, in_fd: int, offset: Any, count: int, *args: Any) -> int:
    fault = INJECTOR.cross("write")
    if fault is None:
        return int(REAL["sendfile"](out_fd, in_fd, offset, count, *args))
    size = max(1, min(count, os.fstat(in_fd).st_size) // 2)
    sent = int(REAL["sendfile"](out_fd, in_fd, offset, size))
    if fault["kind"] != SHORT:
        raise error(fault["kind"])
    return sent


def spawned(self: Any, args: Any, *rest: Any, **named: Any) -> None:
    fault = INJECTOR.cross("spawn", str(args))
    if fault:
        raise error(fault["kind"], str(args))
    INJECTOR.busy, was = True, INJECTOR.busy
    try:
        REAL_SPAWN(self, args, *rest, **named)
    finally:
        INJECTOR.busy = was


def _stalling(real: Any, place: int) -> Callable[..., Any]:
    """A child that does not end: with a timeout it is over, without one it hangs."""

    @functools.wraps(real)
    def stalling(self: Any, *args: Any, **named: Any) -> Any:
        timeout = named.get("timeout", args[place] if len(args) > place else None)
        over = self.returncode is not None or self in KILLED
        if not over and INJECTOR.cross("wait"):
            if timeout is None:
                raise INJECTOR.hang("it waits for a process that does not end, without a timeout")
            CLOCK.wait(timeout)
            raise subprocess.TimeoutExpired(self.args, timeout)
        INJECTOR.busy, was = True, INJECTOR.busy
        try:
            return real(self, *args, **named)
        finally:
            INJECTOR.busy = was

    return stalling


def killed(self: Any) -> None:
    """What is killed can be waited for."""
    KILLED.add(self)
    REAL_KILL(self)


def install() -> None:
    patched: Any = os
    for name, seam in SEAMS.items():
        setattr(patched, name, _crossing(name, seam))
    for name, made in (("open", opened), ("close", closed), ("read", read), ("write", write)):
        setattr(patched, name, made)
    patched.sendfile = sendfile
    process: Any = subprocess.Popen
    process.__init__ = spawned
    process.kill = killed
    process.wait = _stalling(REAL_WAIT, 0)
    process.communicate = _stalling(REAL_COMMUNICATE, 1)
