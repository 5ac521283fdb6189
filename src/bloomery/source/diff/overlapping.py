"""Where two diffs of one base get in each other's way: in files, in hunks, in symbols."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal, Protocol

from bloomery.source.diff.values import Diff, FileDiff, Span


class Placed(Protocol):
    """A symbol by its lines, such as `languages.Symbol` and `python.Symbol`."""

    @property
    def name(self) -> str: ...
    @property
    def first_line(self) -> int: ...
    @property
    def end_line(self) -> int: ...


@dataclass(frozen=True)
class Overlap:
    """`where` names lines of the base (`12-14`), a symbol, or the file's fate (`deleted`)."""

    path: str
    level: Literal["file", "hunk", "symbol"]
    where: str


Symbols = Mapping[str, tuple[Sequence[Placed], Sequence[Placed]]]


def overlaps(one: Diff, other: Diff) -> tuple[Overlap, ...]:
    """Files whose existence or name one diff changes while the other touches them, and changed lines of the
    base that meet: also those that only border on each other, as git's three-way merge counts them.

    Without an overlap the diffs merge cleanly, in either order, where no line of the base stands twice.
    """
    found = [
        overlap
        for mine in one.files
        for theirs in other.files
        if _paths(mine) & _paths(theirs)
        for overlap in (_of_files(mine, theirs) or _of_hunks(mine, theirs))
    ]
    return tuple(dict.fromkeys(found))


def symbol_overlaps(one: Diff, other: Diff, symbols: Symbols, others: Symbols) -> tuple[Overlap, ...]:
    """Functions, methods and classes that both diffs change; `symbols`: see `touched_symbols`."""
    both = {
        path: touched_symbols(one, symbols).get(path, frozenset()) & names
        for path, names in touched_symbols(other, others).items()
    }
    return tuple(Overlap(path, "symbol", name) for path in sorted(both) for name in sorted(both[path]))


def touched_symbols(diff: Diff, symbols: Symbols) -> dict[str, frozenset[str]]:
    """Names of the innermost symbols that changed lines belong to, by the file's path before the change (that
    after it for a new file).

    `symbols` holds for such a path those before and those after the change: what is taken away belongs to the
    first, what is put there to the second.
    """
    found = {}
    for file in diff.files:
        key = file.before if file.before is not None else file.path
        before, after = symbols.get(key, ((), ()))
        names = {*_names(file.before_spans, before), *_names(file.after_spans, after)}
        found[key] = frozenset(names)
    return found


def _paths(file: FileDiff) -> set[str | None]:
    return {file.before, file.after} - {None}


def _of_files(mine: FileDiff, theirs: FileDiff) -> list[Overlap]:
    fates = sorted({_fate(mine), _fate(theirs)} - {"changed"})
    path = min(str(path) for path in _paths(mine) & _paths(theirs))
    return [Overlap(path, "file", " and ".join(fates))] if fates else []


def _fate(file: FileDiff) -> str:
    if file.before is None:
        return "made"
    if file.after is None:
        return "deleted"
    return "renamed" if file.before != file.after else "changed"


def _of_hunks(mine: FileDiff, theirs: FileDiff) -> list[Overlap]:
    if mine.modes[0] != mine.modes[1] and theirs.modes[0] != theirs.modes[1]:
        return [Overlap(mine.path, "file", "mode")]
    return [
        Overlap(mine.path, "hunk", _lines(max(a.first, b.first), min(a.stop, b.stop)))
        for a in mine.before_spans
        for b in theirs.before_spans
        if a.first <= b.stop and b.first <= a.stop
    ]


def _lines(first: int, stop: int) -> str:
    return f"{first}-{stop - 1}" if stop - first > 1 else str(first)


def _names(spans: Iterable[Span], symbols: Sequence[Placed]) -> Iterator[str]:
    for span in spans:
        for line in range(span.first, span.stop):
            around = [symbol for symbol in symbols if symbol.first_line <= line <= symbol.end_line]
            if around:
                yield min(around, key=lambda symbol: symbol.end_line - symbol.first_line).name
