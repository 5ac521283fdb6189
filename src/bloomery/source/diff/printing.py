"""A diff as text, in the form that `git diff --full-index` prints it, without headings after `@@`."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from bloomery.source.diff.values import FileDiff, Hunk

NO_LINE_END = "\\ No newline at end of file"
NOWHERE = "/dev/null"
_ESCAPES = {'"': '\\"', "\\": "\\\\", "\a": "\\a", "\b": "\\b", "\t": "\\t", "\n": "\\n"} | {
    "\v": "\\v",
    "\f": "\\f",
    "\r": "\\r",
}


def printed(files: Iterable[FileDiff]) -> str:
    return "".join(line for file in files for line in _file(file))


def quoted(name: str) -> str:
    """A path as git writes it: in quotes with octal bytes where it holds more than plain ASCII."""
    if name.isascii() and name.isprintable() and not set(name) & set('"\\'):
        return name
    return f'"{"".join(_escaped(character) for character in name)}"'


def _escaped(character: str) -> str:
    if character in _ESCAPES:
        return _ESCAPES[character]
    if character.isascii() and character.isprintable():
        return character
    return "".join(f"\\{byte:03o}" for byte in character.encode("utf-8", "surrogateescape"))


def _file(file: FileDiff) -> Iterable[str]:
    before, after = file.before, file.after
    yield f"diff --git {quoted(f'a/{before or after}')} {quoted(f'b/{after or before}')}\n"
    yield from _modes(file)
    if before and after and before != after:
        yield f"rename from {quoted(before)}\nrename to {quoted(after)}\n"
    if file.blobs and (file.hunks or not (before and after)):
        kept = file.modes[1] if file.modes[0] == file.modes[1] else None
        yield f"index {file.blobs[0]}..{file.blobs[1]}{f' {kept}' if kept else ''}\n"
    if file.hunks:
        yield f"--- {_side('a', before)}\n+++ {_side('b', after)}\n"
    for hunk in file.hunks:
        yield from _hunk(hunk)


def _modes(file: FileDiff) -> Iterable[str]:
    before, after = file.modes
    if file.before is None:
        yield f"new file mode {after}\n"
    elif file.after is None:
        yield f"deleted file mode {before}\n"
    elif before != after:
        yield f"old mode {before}\nnew mode {after}\n"


def _side(prefix: str, path: str | None) -> str:
    if path is None:
        return NOWHERE
    name = quoted(f"{prefix}/{path}")
    return name + "\t" if " " in path else name


def _hunk(hunk: Hunk) -> Iterable[str]:
    before = _range(hunk.before_line, len(hunk.before))
    yield f"@@ -{before} +{_range(hunk.after_line, len(hunk.after))} @@\n"
    for line in hunk.lines:
        yield line if line.endswith("\n") else f"{line}\n{NO_LINE_END}\n"


def _range(first: int, count: int) -> str:
    if count == 1:
        return str(first)
    return f"{first if count else first - 1},{count}"
