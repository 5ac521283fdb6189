"""What a decoding cost."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass


@dataclass
class Counts:
    """passes: of the net over a batch, whole ones and those of a block alone (`part`). commits: tokens kept.

    refusals: proposals that would have left nothing to complete. dead_ends: times that tokens were masked
    again because nothing was left to propose, or because what was done was not accepted.
    net_s, rules_s: seconds in the net, and in the constraint and the parsers.
    """

    passes: int = 0
    part: int = 0
    commits: int = 0
    refusals: int = 0
    dead_ends: int = 0
    net_s: float = 0.0
    rules_s: float = 0.0

    @contextmanager
    def timed(self, what: str) -> Iterator[None]:
        began = time.perf_counter()
        try:
            yield
        finally:
            setattr(self, what, getattr(self, what) + time.perf_counter() - began)

    def __add__(self, other: Counts) -> Counts:
        mine, theirs = asdict(self), asdict(other)
        return Counts(**{name: mine[name] + theirs[name] for name in mine})
