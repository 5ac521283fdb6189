"""Answers after thoughts: a line behind the thought and one without it, mixed at each token."""

from __future__ import annotations

import torch
from torch import Tensor

from .layout import Texts, Thoughts, last_spots
from .mixing import mix
from .reading import joined
from .streams import RowStream
from .thinking_model import ThinkingModel


@torch.no_grad()
def speak(
    model: ThinkingModel,
    texts: Texts,
    thoughts: Thoughts,
    *,
    max_new_tokens: int,
    stop: int | None = None,
    weight: float | None = None,
) -> list[list[int]]:
    """What greedy decoding adds to each text after its thought, up to `stop` (left out) or the limit.

    `weight` overrides the mixing head, as in `ThinkingModel.talk`.
    """
    spots = last_spots(texts)
    blocks = model.enclose(thoughts, texts, spots, 1)
    behind = joined(texts, spots, blocks)
    plain = RowStream(model.base, texts, spots)
    after = RowStream(model.base, behind, last_spots(behind))
    done = torch.zeros(len(texts.ids), dtype=torch.bool, device=texts.ids.device)
    written: list[Tensor] = []
    while len(written) < max_new_tokens and not bool(done.all()):
        if written:
            plain.add(written[-1])
            after.add(written[-1])
        w = model.weight_of(plain.hidden, after.hidden, weight)
        written.append(mix(plain.logits, after.logits, w).argmax(-1))
        if stop is not None:
            done |= written[-1] == stop
    rows = torch.stack(written, dim=1).tolist() if written else [[] for _ in texts.ids]
    return [row[: row.index(stop)] if stop in row else row for row in rows]
