"""What a unified diff is: files, hunks and lines, in one canonical form.

Text is Unicode in which bytes that are not UTF-8 stand as lone surrogates (`text_of`, `bytes_of`), so that
any file without null bytes can be held and nothing of it is lost. Lines end at `\\n` only; a `\\r` before it
belongs to the line.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import NamedTuple

from bloomery.core.errors import UserError
from bloomery.source.diff.printing import printed

MODES = ("100644", "100755", "120000")


class Span(NamedTuple):
    """Lines `first` up to, without, `stop`, counted from 1; an empty one is the place before line `first`."""

    first: int
    stop: int


@dataclass(frozen=True)
class Hunk:
    """Lines with their marks ` `, `-` and `+`, each with its line end but for the last of a file without one.

    `before_line` and `after_line` are where the hunk begins on either side, counted from 1, also where that
    side has no lines in it.
    """

    before_line: int
    after_line: int
    lines: tuple[str, ...]

    @property
    def before(self) -> list[str]:
        return [line[1:] for line in self.lines if line[0] != "+"]

    @property
    def after(self) -> list[str]:
        return [line[1:] for line in self.lines if line[0] != "-"]

    def touched(self) -> Iterator[tuple[Span, Span]]:
        """What each run of changed lines takes from the one side and puts on the other, without context."""
        before, after = self.before_line, self.after_line
        start = None
        for mark in [*(line[0] for line in self.lines), " "]:
            if mark != " " and start is None:
                start = before, after
            elif mark == " " and start:
                yield Span(start[0], before), Span(start[1], after)
                start = None
            before, after = before + (mark != "+"), after + (mark != "-")


@dataclass(frozen=True)
class FileDiff:
    """One file's change; `before` and `after` are its paths, None where it is not there on that side.

    `blobs` are git's names of the contents on both sides (None where unknown), which `git apply --3way` needs
    and which tie the diff to its base. `modes` are git's file modes, None where they are not told.
    """

    before: str | None
    after: str | None
    hunks: tuple[Hunk, ...] = ()
    blobs: tuple[str, str] | None = None
    modes: tuple[str | None, str | None] = (None, None)

    def __post_init__(self) -> None:
        if self.before is None and self.after is None:
            raise UserError("a diff of a file that is there neither before nor after")
        for path in {self.before, self.after} - {None}:
            _check_path(str(path))
        if not self.hunks and self.before is not None and self.after is not None:
            object.__setattr__(self, "blobs", None)  # nothing to be named: the contents stay
        _check_modes(self)
        _check_hunks(self)
        if not self.hunks and self.before == self.after and self.modes[0] == self.modes[1]:
            raise UserError(f"{self.path}: a diff that changes nothing of it")

    @property
    def path(self) -> str:
        """Where the file is after the change, or was where it is gone."""
        return self.after if self.after is not None else str(self.before)

    @property
    def before_spans(self) -> tuple[Span, ...]:
        return tuple(span for hunk in self.hunks for span, _ in hunk.touched())

    @property
    def after_spans(self) -> tuple[Span, ...]:
        return tuple(span for hunk in self.hunks for _, span in hunk.touched())


@dataclass(frozen=True)
class Diff:
    """A change of some files, in the order of their paths."""

    files: tuple[FileDiff, ...]

    def __post_init__(self) -> None:
        ordered = tuple(sorted(self.files, key=lambda file: (file.path, file.after is not None)))
        object.__setattr__(self, "files", ordered)
        for side in ("before", "after"):
            paths = [getattr(file, side) for file in ordered if getattr(file, side) is not None]
            if twice := sorted({path for path in paths if paths.count(path) > 1}):
                raise UserError(f"a diff that changes {', '.join(twice)} more than once")

    def __bool__(self) -> bool:
        return bool(self.files)

    def __str__(self) -> str:
        return printed(self.files)

    @property
    def data(self) -> bytes:
        """The bytes that name this diff and that `git apply` takes: equal diffs have equal bytes."""
        return bytes_of(str(self))

    @property
    def paths(self) -> tuple[str, ...]:
        """Every path that is changed, before or after."""
        found = {path for file in self.files for path in (file.before, file.after) if path is not None}
        return tuple(sorted(found))


def text_of(data: bytes) -> str:
    return data.decode("utf-8", "surrogateescape")


def bytes_of(text: str) -> bytes:
    """Raises: UserError for a surrogate that stands for no byte."""
    try:
        return text.encode("utf-8", "surrogateescape")
    except UnicodeEncodeError as error:
        line = text.count("\n", 0, error.start) + 1
        raise UserError(f"line {line}: {text[error.start]!r} is no character that a file can hold") from None


def lines_of(text: str) -> list[str]:
    """Lines with their ends; only `\\n` ends one."""
    lines = text.split("\n")
    return [line + "\n" for line in lines[:-1]] + ([lines[-1]] if lines[-1] else [])


def _check_path(path: str) -> None:
    parts = path.split("/")
    if not path or "\0" in path or any(part in {"", ".", ".."} for part in parts):
        raise UserError(f"path {path!r} in a diff: expected one below the root, such as src/a.py")
    if parts[0].lower() == ".git":
        raise UserError(f"path {path!r} in a diff: git's own folder is not changed by diffs")


def _check_modes(file: FileDiff) -> None:
    for mode in {*file.modes} - {None}:
        if mode not in MODES:
            raise UserError(f"{file.path}: mode {mode}: a diff holds files and links ({', '.join(MODES)})")
    told = tuple(mode is not None for mode in file.modes)
    there = file.before is not None, file.after is not None
    if told != there and not (all(there) and not any(told)):
        raise UserError(f"{file.path}: expected a mode for each side on which it is, came {file.modes}")


def _check_hunks(file: FileDiff) -> None:
    before, shift = 1, 0
    for hunk in file.hunks:
        where = f"{file.path}: hunk at line {hunk.before_line}"
        if any(line[:1] not in {" ", "-", "+"} or len(line) < 2 or "\n" in line[:-1] for line in hunk.lines):
            raise UserError(f"{where}: expected single lines that begin with a space, '-' or '+'")
        if not any(line[0] != " " for line in hunk.lines):
            raise UserError(f"{where}: it changes nothing")
        if hunk.before_line < before:
            raise UserError(f"{where}: it begins before the one above it ends")
        if hunk.after_line != hunk.before_line + shift:
            raise UserError(
                f"{where}: after the hunks above it, its lines begin at {hunk.before_line + shift}, "
                f"not at {hunk.after_line}"
            )
        before = hunk.before_line + len(hunk.before)
        shift += len(hunk.after) - len(hunk.before)
    for side, name in (("before", file.before), ("after", file.after)):
        _check_line_ends(file, [getattr(hunk, side) for hunk in file.hunks])
        if name is None and any(getattr(hunk, side) for hunk in file.hunks):
            raise UserError(f"{file.path}: it has lines {side} the change, where it is not there")


def _check_line_ends(file: FileDiff, sides: list[list[str]]) -> None:
    lines = [line for side in sides for line in side]
    if any(not line.endswith("\n") for line in lines[:-1]):
        raise UserError(f"{file.path}: only the last line of a file can lack its line end")
