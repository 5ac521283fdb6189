"""The diagonal attention mask: many thoughts in one sequence, each of which sees its own past alone."""

from __future__ import annotations

import torch
from torch import Tensor

from .layout import Spots


def slots_of(spots: Spots) -> tuple[Tensor, int]:
    """Each spot's number among its text's spots, and the most that a text has. Shapes: -> (R,)"""
    same = spots.text[:, None] == spots.text[None, :]
    rank = same.tril(-1).sum(1)
    return rank, int(rank.max()) + 1


def places_of(spots: Spots, slots: Tensor, texts: int, most: int) -> Tensor:
    """The spots as a table; slots that no spot fills follow token 0, and nobody reads them.

    Shapes: -> (B, N)
    """
    table = spots.place.new_zeros(texts, most)
    table[spots.text, slots] = spots.place
    return table


def diagonal_mask(places: Tensor, length: int, first: int, last: int, dtype: torch.dtype) -> Tensor:
    """What tokens `first` to `last` - 1 of all blocks see of the text and of blocks up to `last`.

    The sequence is the text, then the blocks' first tokens, then all their second ones, and so on; so the
    part on the blocks is a diagonal of each block's tokens with itself.

    Shapes: places (B, N) -> (B, 1, N (last - first), length + N last), 0 where seen, else the least number.
    Source: arXiv 2403.09629, section 4.2 and figure 3
    """
    count = places.shape[1]
    text = torch.arange(length, device=places.device) <= places.repeat(1, last - first)[..., None]
    row = torch.arange(first * count, last * count, device=places.device)[:, None]
    column = torch.arange(last * count, device=places.device)[None, :]
    own = (row % count == column % count) & (column <= row)
    return additive(torch.cat([text, own.expand(len(places), -1, -1)], dim=-1), dtype)


def causal_mask(texts: int, length: int, keys: int, dtype: torch.dtype, device: torch.device) -> Tensor:
    """What the text's own tokens see: what stands before them, never a block. Shapes: (B, 1, L, keys)"""
    seen = torch.ones(length, keys, dtype=torch.bool, device=device).tril()
    return additive(seen.expand(texts, -1, -1), dtype)


def additive(seen: Tensor, dtype: torch.dtype) -> Tensor:
    """A mask to be added to attention's scores, with an axis for heads."""
    hidden = torch.zeros(seen.shape, dtype=dtype, device=seen.device)
    return hidden.masked_fill(~seen, torch.finfo(dtype).min)[:, None]
