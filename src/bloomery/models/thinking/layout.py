"""Thoughts within texts: where each is had, and what a model reads there.

A block is what follows a text's first tokens in a line of its own: <start>, a thought, <end>, and then the
true continuation. R blocks belong to R spots; several thoughts at one place are several spots in a row.
"""

from __future__ import annotations

from typing import NamedTuple

import torch
from torch import Tensor


class Texts(NamedTuple):
    """Token ids, padded on the right. Shapes: ids, mask (B, L), the mask 1 where there is a token."""

    ids: Tensor
    mask: Tensor

    @property
    def lengths(self) -> Tensor:
        return self.mask.long().sum(1)


class Spots(NamedTuple):
    """A thought is had after token `place` of text `text`. Shapes: both (R,)"""

    text: Tensor
    place: Tensor

    def times(self, thoughts: int) -> Spots:
        """So many thoughts at each spot, side by side."""
        return Spots(self.text.repeat_interleave(thoughts), self.place.repeat_interleave(thoughts))


class Thoughts(NamedTuple):
    """Shapes: ids (R, t), `lengths` (R,) of which count, `ended` (R,): the model itself wrote <end> then."""

    ids: Tensor
    lengths: Tensor
    ended: Tensor


class Blocks(NamedTuple):
    """Shapes: ids (R, M) padded on the right, lengths (R,), `end` (R,) the place of <end> in each."""

    ids: Tensor
    lengths: Tensor
    end: Tensor


def last_spots(texts: Texts) -> Spots:
    """After the last token of each text."""
    return Spots(torch.arange(len(texts.ids), device=texts.ids.device), texts.lengths - 1)


def check_spots(texts: Texts, spots: Spots) -> None:
    """Raises: ValueError for a spot outside of its text."""
    inside = (spots.place >= 0) & (spots.place < texts.lengths[spots.text])
    if not bool(inside.all()):
        which = int((~inside).nonzero()[0])
        raise ValueError(
            f"a thought is to follow token {int(spots.place[which])} of a text of "
            f"{int(texts.lengths[spots.text[which]])} tokens; name a token of the text"
        )


def blocks_of(thoughts: Thoughts, texts: Texts, spots: Spots, *, start: int, end: int, ahead: int) -> Blocks:
    """<start>, the thought, <end> and the `ahead` - 1 tokens that follow the spot, as far as the text goes.

    The logits at <end> and at each of those tokens are about the next `ahead` tokens of the text.
    """
    rows, width = thoughts.ids.shape
    at = torch.arange(width + ahead + 1, device=thoughts.ids.device)
    close = thoughts.lengths[:, None] + 1
    source = torch.cat([thoughts.ids, texts.ids[spots.text]], dim=1)
    follows = width + spots.place[:, None] + at - close
    index = torch.where(at < close, at - 1, follows).clamp(0, source.shape[1] - 1)
    ids = source.gather(1, index.expand(rows, -1))
    ids = torch.where(at == close, end, ids)
    ids[:, 0] = start
    left = texts.lengths[spots.text] - 1 - spots.place
    lengths = thoughts.lengths + 2 + left.clamp(max=ahead - 1)
    return Blocks(torch.where(at < lengths[:, None], ids, end), lengths, close[:, 0])


def chosen_tokens(thoughts: Thoughts, width: int) -> Tensor:
    """Which tokens of the blocks the model chose: the thought's, and <end> unless the limit put it there.

    Shapes: -> (R, width)
    """
    at = torch.arange(width, device=thoughts.ids.device)
    return (at >= 1) & (at <= (thoughts.lengths + thoughts.ended)[:, None])
