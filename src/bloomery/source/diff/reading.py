"""Diffs read from text: of git (with or without its header lines), of `diff -u`, of `git format-patch`."""

import re
from collections.abc import Sequence
from dataclasses import dataclass, field

from bloomery.core.errors import FormatRefused, UserError
from bloomery.source.diff.names import name_of_both, side_name, unquoted, without_prefixes
from bloomery.source.diff.values import Diff, FileDiff, Hunk, text_of

_HUNK = re.compile(r"@@ -(\d+)(?:,(\d+))? \+(\d+)(?:,(\d+))? @@")
_INDEX = re.compile(r"index ([0-9a-f]{4,64})\.\.([0-9a-f]{4,64})(?: ([0-7]{6}))?$")
_IGNORED = ("similarity index ", "dissimilarity index ")


class NotADiff(UserError):
    """Text that is no unified diff, with the line where it stops to be one."""

    def __init__(self, line: int, why: str) -> None:
        self.line, self.why = line, why
        super().__init__(f"line {line} of the diff: {why}")


def parse(text: str | bytes) -> Diff:
    """What the text changes; headings after `@@`, similarity figures and text between files are left out.

    Raises: NotADiff; FormatRefused for binary, combined and copying diffs; UserError for paths outside.
    """
    lines = (text_of(text) if isinstance(text, bytes) else text).split("\n")
    return Diff(tuple(_Reader(lines).files()))


@dataclass
class _Header:
    """What the lines above a file's hunks told."""

    line: int
    both: tuple[str, str] | None = None
    renamed: dict[str, str] = field(default_factory=dict)
    modes: dict[str, str] = field(default_factory=dict)
    blobs: tuple[str, str] | None = None
    sides: tuple[str | None, str | None] | None = None


class _Reader:
    """A place in the lines of a diff."""

    def __init__(self, lines: Sequence[str]) -> None:
        self.lines, self.at = lines, 0

    def files(self) -> list[FileDiff]:
        found = []
        while self.at < len(self.lines):
            if self._starts_a_file():
                found.append(self._file())
            else:
                self._pass_over()
        return found

    def _line(self, ahead: int = 0) -> str:
        return self.lines[self.at + ahead] if self.at + ahead < len(self.lines) else ""

    def _starts_a_file(self) -> bool:
        line = self._line()
        if line.startswith(("diff --cc ", "diff --combined ")):
            raise FormatRefused(f"line {self.at + 1} of the diff: of a merge; diff against one parent")
        is_plain = line.startswith("--- ") and self._line(1).startswith("+++ ")
        return line.startswith("diff --git ") or is_plain

    def _pass_over(self) -> None:
        """Text around the files: messages, `diff -u` lines, the signature of format-patch."""
        if _HUNK.match(self._line()):
            raise NotADiff(self.at + 1, "a hunk without lines `---` and `+++` above it")
        self.at += 1

    def _file(self) -> FileDiff:
        header = _Header(self.at + 1)
        if self._line().startswith("diff --git "):
            header.both = name_of_both(self._line()[len("diff --git ") :])
            self.at += 1
            while self._reads_extended(header):
                self.at += 1
        if self._line().startswith("--- ") and self._line(1).startswith("+++ "):
            header.sides = side_name(self._line()[4:]), side_name(self._line(1)[4:])
            self.at += 2
        hunks = []
        while self._line().startswith("@@ "):
            hunks.append(self._hunk())
        self._check_nothing_left_over(hunks)
        return _file_diff(header, tuple(hunks))

    def _reads_extended(self, header: _Header) -> bool:
        line = self._line()
        if line.startswith(("GIT binary patch", "Binary files ")):
            raise FormatRefused(f"line {self.at + 1} of the diff: a binary file; a diff of lines is for text")
        if line.startswith(("copy from ", "copy to ")):
            raise FormatRefused(f"line {self.at + 1} of the diff: a copy; make the diff without -C")
        for kind in ("old", "new", "new file", "deleted file"):
            if line.startswith(f"{kind} mode "):
                header.modes[kind] = line.removeprefix(f"{kind} mode ").strip()
                return True
        for side in ("from", "to"):
            if line.startswith(f"rename {side} "):
                header.renamed[side] = unquoted(line.removeprefix(f"rename {side} "))
                return True
        if match := _INDEX.match(line):
            header.blobs = match[1], match[2]
            if match[3]:
                header.modes["both"] = match[3]
            return True
        return line.startswith(_IGNORED)

    def _hunk(self) -> Hunk:
        match, line = _HUNK.match(self._line()), self.at + 1
        if not match:
            raise NotADiff(line, f"expected @@ -line,count +line,count @@, came {self._line()!r}")
        old, new = int(match[1]), int(match[3])
        left = {"-": int(match[2] or 1), "+": int(match[4] or 1)}
        begins = old + (not left["-"]), new + (not left["+"])
        self.at += 1
        lines: list[str] = []
        while any(left.values()) or self._line().startswith("\\"):
            self._read_line(lines, left, line)
        if not any(line[0] != " " for line in lines):
            raise NotADiff(line, "a hunk that changes nothing")
        return Hunk(*begins, tuple(lines))

    def _read_line(self, lines: list[str], left: dict[str, int], header: int) -> None:
        line = self._line()
        if line.startswith("\\") and lines:
            lines[-1] = lines[-1].removesuffix("\n")
            self.at += 1
            return
        is_last = self.at >= len(self.lines) - 1
        mark = line[:1] or ("" if is_last else " ")  # mailers strip the space of an empty line
        sides = {" ": "-+", "-": "-", "+": "+"}.get(mark, "")
        if not sides or not all(left[side] for side in sides):
            here = "the text ends" if is_last else f"there is {line!r}"
            raise NotADiff(
                self.at + 1, f"the hunk of line {header} lacks {left['-']} - and {left['+']} + lines; {here}"
            )
        for side in sides:
            left[side] -= 1
        lines.append(f"{mark}{line[1:]}\n")
        self.at += 1

    def _check_nothing_left_over(self, hunks: Sequence[Hunk]) -> None:
        line = self._line()
        if hunks and line[:1] in {"+", "-", " "} and not self._starts_a_file() and line != "-- ":
            raise NotADiff(self.at + 1, f"more lines than the hunk's header counts: {line!r}")


def _file_diff(header: _Header, hunks: tuple[Hunk, ...]) -> FileDiff:
    before, after = _paths(header)
    modes = header.modes
    is_new = "new file" in modes or (before is None and after is not None)
    is_gone = "deleted file" in modes or (after is None and before is not None)
    both = modes.get("both")
    return FileDiff(
        before=None if is_new else before,
        after=None if is_gone else after,
        hunks=hunks,
        blobs=header.blobs,
        modes=(
            None if is_new else modes.get("deleted file", "100644" if is_gone else modes.get("old", both)),
            None if is_gone else modes.get("new file", "100644" if is_new else modes.get("new", both)),
        ),
    )


def _paths(header: _Header) -> tuple[str | None, str | None]:
    if header.renamed:
        return header.renamed.get("from"), header.renamed.get("to")
    found = without_prefixes(*(header.sides or header.both or (None, None)))
    if found == (None, None):
        raise NotADiff(header.line, "it names no file")
    return found
