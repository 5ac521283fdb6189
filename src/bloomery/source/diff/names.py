"""Paths as they stand in the header lines of a diff."""

import re

from bloomery.source.diff.printing import NOWHERE

_PREFIXES = {("a/", "b/"), ("i/", "w/"), ("c/", "i/"), ("c/", "w/"), ("o/", "w/")}
_ESCAPE = re.compile(rb'\\([0-3][0-7]{2}|[abtnvfr"\\])')
_LETTERS = dict(zip(b'abtnvfr"\\', b'\a\b\t\n\v\f\r"\\', strict=True))
_QUOTED = r'"(?:[^"\\]|\\.)*"'
_TWO = re.compile(rf"({_QUOTED}) ({_QUOTED})$|({_QUOTED}) (.+)$|(.+) ({_QUOTED})$")


def unquoted(name: str) -> str:
    """A path out of git's quotes; one without quotes is itself."""
    if not (len(name) > 1 and name.startswith('"') and name.endswith('"')):
        return name
    data = name[1:-1].encode("utf-8", "surrogateescape")
    return _ESCAPE.sub(_character, data).decode("utf-8", "surrogateescape")


def side_name(rest: str) -> str | None:
    """What follows `--- ` or `+++ `: the path, without the time that `diff -u` puts behind a tab."""
    rest = rest.removesuffix("\r")
    name = rest.rstrip("\t") if rest.startswith('"') else rest.partition("\t")[0]
    return None if name == NOWHERE else unquoted(name)


def name_of_both(rest: str) -> tuple[str, str] | None:
    """What follows `diff --git `: two paths, or None where spaces leave open where the first one ends."""
    if match := _TWO.match(rest):
        first, second = (part for part in match.groups() if part is not None)
        return unquoted(first), unquoted(second)
    half, odd = divmod(len(rest), 2)
    first, second = rest[:half], rest[half + 1 :]
    if odd and rest[half] == " " and first.partition("/")[2] == second.partition("/")[2]:
        return first, second
    first, space, second = rest.partition(" ")
    return (first, second) if space and " " not in second else None


def without_prefixes(before: str | None, after: str | None) -> tuple[str | None, str | None]:
    """The paths without git's `a/` and `b/` (or `i/`, `w/`, `c/`, `o/`), where both sides have them."""
    if any(
        (before is None or before.startswith(first)) and (after is None or after.startswith(second))
        for first, second in _PREFIXES
    ):
        return before and before[2:], after and after[2:]
    return before, after


def _character(match: re.Match[bytes]) -> bytes:
    code = match[1]
    return bytes([int(code, 8) if code[:1].isdigit() else _LETTERS[code[0]]])
