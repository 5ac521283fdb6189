"""Where two patches of one tree get in each other's way: files, hunks, symbols, and uses of what changed."""

import re
from collections.abc import Iterator, Sequence

from bloomery.core.errors import CapabilityMissing, FormatRefused
from bloomery.optimize.coordinating.merging import Texts
from bloomery.source.diff import Diff, make
from bloomery.source.diff.overlapping import Placed, overlaps, symbol_overlaps, touched_symbols
from bloomery.source.languages.registry import is_source
from bloomery.source.python import NotPython, parse_text, symbols

USE = "use"


def found(base: Texts, one: Texts, other: Texts) -> tuple[str, ...]:
    """What is in the way, one line each; nothing for patches that can be told apart.

    `path:level:where`; the level is file, hunk, symbol or use: a side names what the other one changed.
    """
    mine, theirs = _diff(base, one), _diff(base, other)
    told = list(overlaps(mine, theirs))
    told += symbol_overlaps(mine, theirs, _symbols(base, one), _symbols(base, other))
    lines = [f"{item.path}:{item.level}:{item.where}" for item in told]
    lines += [*_uses(base, one, theirs), *_uses(base, other, mine)]
    return tuple(dict.fromkeys(lines))


def only_uses(lines: Sequence[str]) -> bool:
    """Whether the two can stay two patches if they pass together."""
    return all(line.split(":")[-2] == USE for line in lines)


def _diff(base: Texts, side: Texts) -> Diff:
    before = {path: text for path in side if (text := base.get(path)) is not None}
    return make(before, {path: text for path, text in side.items() if text is not None})


def _symbols(base: Texts, side: Texts) -> dict[str, tuple[Sequence[Placed], Sequence[Placed]]]:
    return {path: (_defined(path, base.get(path)), _defined(path, side[path])) for path in side}


def _defined(path: str, text: str | None) -> Sequence[Placed]:
    """A text that does not parse, or of a language without a grammar here, has no symbols."""
    if text is None:
        return ()
    try:
        if path.endswith(".py"):
            return symbols(parse_text(text, path).tree)  # type: ignore[arg-type]  # any path names it
        return _in_other_language(path, text) if is_source(path) else ()
    except (NotPython, CapabilityMissing, FormatRefused):
        return ()


def _in_other_language(path: str, text: str) -> Sequence[Placed]:
    from bloomery.source.languages.parsing import parse
    from bloomery.source.languages.registry import language_of
    from bloomery.source.languages.symbols import symbols as symbols_of

    return symbols_of(parse(text, language_of(path), path=path))


def _uses(base: Texts, side: Texts, other: Diff) -> Iterator[str]:
    """Names of what a side changed or took away, in lines that the other puts there."""
    touched = touched_symbols(_diff(base, side), _symbols(base, side))
    changed = {name.rpartition(".")[2] for names in touched.values() for name in names}
    for file in other.files:
        added = [line for hunk in file.hunks for line in hunk.lines if line.startswith("+")]
        words = {word for line in added for word in re.findall(r"\w+", line)}
        for name in sorted(changed & words):
            yield f"{file.path}:{USE}:{name}"
