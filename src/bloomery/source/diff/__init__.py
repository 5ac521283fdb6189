"""Unified diffs as values: made from texts, read, printed as git takes them, applied, reversed, compared.

`make(before, after)`, `parse(text)`, `apply(diff, texts)`, `reverse(diff)`; `diff.data` are the bytes that
name a diff, and `overlapping.overlaps(one, other)` says where two of them get in each other's way.
"""

from bloomery.source.diff.applying import apply, reverse
from bloomery.source.diff.making import make
from bloomery.source.diff.reading import parse
from bloomery.source.diff.values import Diff, FileDiff, Hunk, Span, bytes_of, text_of

__all__ = [
    "Diff",
    "FileDiff",
    "Hunk",
    "Span",
    "apply",
    "bytes_of",
    "make",
    "parse",
    "reverse",
    "text_of",
]
