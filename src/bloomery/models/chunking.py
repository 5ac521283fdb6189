"""Where the tokens of a call fall in a memory's chunks, row by row."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

import torch
from torch import Tensor


class Grid(NamedTuple):
    """A common time axis on which every row crosses its chunk boundaries at the same slots.

    `first` is the chunk position of slot 0; `tokens` (B, G) names the token in each slot and `counts` (B, G)
    whether there is one (both None: every slot holds its own token); `slots` (B, T) is the way back; `ends`
    (B,) is each row's chunk position after its last token, counted on from slot 0's chunk (None: all alike).
    """

    first: int
    steps: int
    tokens: Tensor | None = None
    slots: Tensor | None = None
    counts: Tensor | None = None
    ends: Tensor | None = None

    def chunks(self, chunk_size: int, heads: int) -> Iterator[tuple[slice, Tensor | bool]]:
        """Each chunk's slots, and which rows (B heads,) fill their chunk by its end."""
        start = 0
        while start < self.steps:
            stop = min(self.steps, start + chunk_size - (self.first + start) % chunk_size)
            boundary = -(-(self.first + stop) // chunk_size) * chunk_size
            full: Tensor | bool = self.first + stop == boundary
            if self.ends is not None:
                full = (self.ends >= boundary).repeat_interleave(heads)
            yield slice(start, stop), full
            start = stop


def grid(position: Tensor, lengths: Tensor, steps: int, chunk_size: int) -> Grid:
    """Lay out rows that begin at chunk `position` (B,) and hold real tokens in their first `lengths` (B,)."""
    where, count = position.tolist(), lengths.tolist()
    if not where:
        return Grid(0, steps)
    if min(where) == max(where) and min(count) == steps:
        return Grid(where[0], steps)
    ends = position + lengths
    if max(p + n for p, n in zip(where, count, strict=True)) <= chunk_size:
        shift, first = torch.zeros_like(position), 0  # no row leaves its chunk: no need to line them up
        slots_needed = steps
    else:
        first = min(where)
        shift = position - first
        slots_needed = max(p - first + n for p, n in zip(where, count, strict=True))
    at = torch.arange(slots_needed, device=position.device) - shift.unsqueeze(1)  # (B, G)
    back = torch.arange(steps, device=position.device) + shift.unsqueeze(1)
    return Grid(
        first=first,
        steps=slots_needed,
        tokens=at.clamp(0, steps - 1),
        slots=back.clamp(max=slots_needed - 1),
        counts=(at >= 0) & (at < lengths.unsqueeze(1)),
        ends=ends,
    )


def take(x: Tensor, index: Tensor) -> Tensor:
    """Pick along time, row by row.

    Shapes: x (B, T, ...), index (B, G) -> (B, G, ...)
    """
    rows = torch.arange(len(x), device=x.device).unsqueeze(1)
    return x[rows, index]
