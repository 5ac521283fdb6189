"""Files at whose opening, reading and writing faults strike, below Python's buffers as in the kernel."""

import builtins
import io
import json
import os
import tempfile
from typing import Any

from injecting import INJECTOR, error

REAL_OPEN = io.open
SHORT = "short"
GARBAGE = b"\xff\xfe\x00 nothing that anybody wrote\n"


class Watched:
    """What is known of files in this trial.

    `whole`: by path each content when a writer had finished; `appended`: paths that were opened to append.
    """

    def __init__(self) -> None:
        self.begin()

    def begin(self) -> None:
        self.whole: dict[str, set[str]] = {}
        self.appended: set[str] = set()
        self.collected: list[list[Any]] = []
        self.open: set[int] = set()
        self.raw: dict[int, str] = {}
        self.replaced: list[str] = []

    def finished(self, path: Any) -> None:
        """A writer closed, or moved something to, this path."""
        if not isinstance(path, (str, bytes, os.PathLike)):
            return
        name = os.path.abspath(os.fsdecode(path))  # noqa: PTH100
        INJECTOR.busy, was = True, INJECTOR.busy
        try:
            with REAL_OPEN(name, "rb") as file:
                self.whole.setdefault(name, set()).add(content(file.read()))
        except OSError:
            pass  # it is gone again, or no file
        finally:
            INJECTOR.busy = was


def content(data: bytes) -> str:
    """Bytes as text that JSON holds; long ones by their digest."""
    if len(data) <= 4000:
        return data.decode("latin-1")
    import hashlib

    return f"{len(data)} bytes, sha256 {hashlib.sha256(data).hexdigest()}"


WATCHED = Watched()


class Raw(io.FileIO):
    """A file without a buffer; `cut` ends it early."""

    named: Any = None
    place: tuple[str, int] = ("", 0)

    def readinto(self, buffer: Any) -> int | None:
        fault = INJECTOR.cross("read")
        if fault and fault["kind"] != SHORT:
            raise error(fault["kind"])
        if fault and len(buffer) > 1:
            return super().readinto(memoryview(buffer)[: max(1, len(buffer) // 2 if len(buffer) < 64 else 3)])
        return super().readinto(buffer)

    def read(self, size: int | None = -1) -> bytes:
        if size is None or size < 0:
            return self.readall()
        buffer = bytearray(size)
        return bytes(buffer[: self.readinto(buffer) or 0])

    def readall(self) -> bytes:
        fault = INJECTOR.cross("read")
        if fault and fault["kind"] != SHORT:
            raise error(fault["kind"])
        return super().readall() or b""

    def write(self, data: Any) -> int:
        fault = INJECTOR.cross("write", str(self.named))
        if fault is None:
            return super().write(data)
        half = memoryview(data).cast("B")[: (len(data) + 1) // 2]
        written = super().write(half)
        if fault["kind"] != SHORT:
            raise error(fault["kind"])
        return written

    def close(self) -> None:
        writes = not self.closed and self.writable()
        WATCHED.open.discard(id(self))
        super().close()
        if writes:
            WATCHED.finished(self.named)

    def _dealloc_warn(self, source: Any) -> None:
        """Called by the collector where nobody closed the file."""
        WATCHED.collected.append([f"file {_short(self.named)}", *self.place])


def _short(path: Any) -> str:
    return os.path.basename(os.fsdecode(path)) if isinstance(path, (str, bytes, os.PathLike)) else str(path)  # noqa: PTH119


def opened(
    file: Any,
    mode: str = "r",
    buffering: int = -1,
    encoding: str | None = None,
    errors: str | None = None,
    newline: str | None = None,
    closefd: bool = True,
    opener: Any = None,
) -> Any:
    """`open`, with faults where the module under test calls it."""
    if INJECTOR.frame() is None:
        return REAL_OPEN(file, mode, buffering, encoding, errors, newline, closefd, opener)
    io.text_encoding(encoding)
    writes = any(letter in mode for letter in "wxa+")
    given = file if isinstance(file, int) else os.fspath(file)
    real = given if isinstance(file, int) else _crossed(given, mode, writes)
    plain = "".join(letter for letter in mode if letter not in "bt")
    raw = Raw(real, plain or "r", closefd, opener)
    raw.named = WATCHED.raw.pop(file, file) if isinstance(file, int) else given
    raw.place = INJECTOR.place()
    WATCHED.open.add(id(raw))
    if "b" not in mode and buffering == 0:
        raise ValueError("can't have unbuffered text I/O")
    return _layers(raw, mode, buffering, encoding, errors, newline)


def _crossed(path: Any, mode: str, writes: bool) -> Any:
    if "a" in mode:
        WATCHED.appended.add(os.path.abspath(os.fsdecode(path)))  # noqa: PTH100
    fault = INJECTOR.cross("open to write" if writes else "open", os.fsdecode(path))
    if fault:
        raise error(fault["kind"], path)
    if not writes and os.path.isfile(path):  # noqa: PTH113
        fault = INJECTOR.cross("content", _form(path))
        return _malformed(path, fault["kind"]) if fault else path
    return path


def _layers(raw: Raw, mode: str, buffering: int, encoding: Any, errors: Any, newline: Any) -> Any:
    result: Any = raw
    if buffering == 0:
        return raw
    line = buffering == 1 or (buffering < 0 and raw.isatty())
    size = buffering if buffering > 1 else io.DEFAULT_BUFFER_SIZE
    if "+" in mode:
        result = io.BufferedRandom(raw, size)
    elif raw.writable():
        result = io.BufferedWriter(raw, size)
    else:
        result = io.BufferedReader(raw, size)
    if "b" in mode:
        return result
    text = io.TextIOWrapper(result, encoding, errors, newline, line)
    text.mode = mode  # type: ignore[misc]
    return text


def _form(path: Any) -> str:
    """Whether a file holds JSON: other things can be wrong with it then."""
    with REAL_OPEN(path, "rb") as file:
        data = file.read(65536)
    try:
        return "json" if isinstance(json.loads(data), (dict, list)) else "text"
    except (ValueError, RecursionError):
        return "text"


def _malformed(path: Any, kind: str) -> str:
    """A file beside all others that holds what is wrong."""
    with REAL_OPEN(path, "rb") as file:
        data = file.read()
    handle, name = _spare()
    with REAL_OPEN(handle, "wb") as file:
        file.write(spoilt(data, kind))
    WATCHED.replaced.append(name)
    return name


def _spare() -> tuple[int, str]:
    INJECTOR.busy, was = True, INJECTOR.busy
    try:
        return tempfile.mkstemp(dir=WATCHED_FOLDER[0])
    finally:
        INJECTOR.busy = was


WATCHED_FOLDER = [""]


def spoilt(data: bytes, kind: str) -> bytes:
    """The data of a kind of malformed input."""
    plain = {"null": b"null", "object": b"{}", "list": b"[]", "empty": b"", "garbage": GARBAGE}
    return data[: len(data) // 2] if kind == "truncated" else plain[kind]


def install() -> None:
    builtins.open = opened
    io.open = opened
