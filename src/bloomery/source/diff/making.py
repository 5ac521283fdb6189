"""Diffs from texts before and after."""

import hashlib
from collections.abc import Iterator, Mapping, Sequence
from difflib import SequenceMatcher

from bloomery.core.errors import FormatRefused, UserError
from bloomery.source.diff.values import Diff, FileDiff, Hunk, bytes_of, lines_of

CONTEXT = 3
NO_BLOB = "0" * 40
MANY_LINES = 2000  # from here on, frequent lines do not align two texts by themselves: quadratic work
Block = tuple[int, int, int, int]  # lines i1 to i2 before became j1 to j2 after, counted from 0


def make(
    before: Mapping[str, str],
    after: Mapping[str, str],
    *,
    renamed: Mapping[str, str] | None = None,
    modes: Mapping[str, str] | None = None,
    context: int = CONTEXT,
) -> Diff:
    """The diff between two sets of texts by path; a path that one side lacks is a new or a deleted file.

    `renamed` holds new paths by old ones; none is guessed. `modes` are git's, 100644 where not given.

    Raises: FormatRefused for a text with null bytes; UserError for a path or a text that no file can have.
    """
    renamed, modes = renamed or {}, modes or {}
    for old, new in renamed.items():
        if old not in before or new not in after:
            raise UserError(f"{old} renamed to {new}: the first is not there before, or the second not after")
    pairs = list(renamed.items())
    pairs += [(path, path) for path in before.keys() - renamed.keys()]
    pairs += [(path, path) for path in after.keys() - before.keys() - set(renamed.values())]
    files = [_file(old, new, before.get(old), after.get(new), modes, context) for old, new in pairs]
    return Diff(tuple(file for file in files if file))


def blob(text: str) -> str:
    """Git's name for a file with this text (SHA-1 repositories)."""
    data = bytes_of(text)
    return hashlib.sha1(b"blob %d\0" % len(data) + data, usedforsecurity=False).hexdigest()


def _file(
    old: str, new: str, before: str | None, after: str | None, modes: Mapping[str, str], context: int
) -> FileDiff | None:
    if before == after and old == new:
        return None
    for path, text in ((old, before), (new, after)):
        if text is not None and "\0" in text:
            raise FormatRefused(f"{path}: it holds null bytes: a diff of lines is for text")
    told = (modes.get(old), modes.get(new))
    return FileDiff(
        before=None if before is None else old,
        after=None if after is None else new,
        hunks=tuple(hunks(lines_of(before or ""), lines_of(after or ""), context)),
        blobs=(_blob_or_none(before), _blob_or_none(after)),
        modes=(
            None if before is None else told[0] or ("100644" if after is None else told[1]),
            None if after is None else told[1] or ("100644" if before is None else told[0]),
        ),
    )


def _blob_or_none(text: str | None) -> str:
    return NO_BLOB if text is None else blob(text)


def hunks(before: Sequence[str], after: Sequence[str], context: int) -> Iterator[Hunk]:
    """Changed blocks with `context` unchanged lines around them; those that would touch are one hunk."""
    for group in _groups(list(_changes(before, after)), context):
        yield _hunk(before, after, group, context)


def _changes(before: Sequence[str], after: Sequence[str]) -> Iterator[Block]:
    """Differing blocks; equal lines at both ends are set aside first."""
    shorter = min(len(before), len(after))
    head = next((i for i in range(shorter) if before[i] != after[i]), shorter)
    most = shorter - head
    tail = next((i for i in range(most) if before[-1 - i] != after[-1 - i]), most)
    inner = before[head : len(before) - tail], after[head : len(after) - tail]
    matcher = SequenceMatcher(None, *inner, autojunk=max(map(len, inner)) > MANY_LINES)
    for tag, i1, i2, j1, j2 in matcher.get_opcodes():
        if tag != "equal":
            yield head + i1, head + i2, head + j1, head + j2


def _groups(blocks: Sequence[Block], context: int) -> Iterator[list[Block]]:
    group: list[Block] = []
    for block in blocks:
        if group and block[0] - group[-1][1] > 2 * context:
            yield group
            group = []
        group.append(block)
    if group:
        yield group


def _hunk(before: Sequence[str], after: Sequence[str], group: list[Block], context: int) -> Hunk:
    lead = min(context, group[0][0])
    start = group[0][0] - lead
    lines = [" " + line for line in before[start : group[0][0]]]
    for (i1, i2, j1, j2), following in zip(group, [*group[1:], None], strict=True):
        lines += ["-" + line for line in before[i1:i2]]
        lines += ["+" + line for line in after[j1:j2]]
        lines += [" " + line for line in before[i2 : following[0] if following else i2 + context]]
    return Hunk(start + 1, group[0][2] - lead + 1, tuple(lines))
