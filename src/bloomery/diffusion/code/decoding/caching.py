"""Blocks whose surroundings are kept as keys and values."""

from __future__ import annotations

import torch
from torch import Tensor

from bloomery.diffusion.code.modelling.model import CodeModel
from bloomery.diffusion.denoisers.caching import keeping

from .decode import Logits, Prepare


def cached(
    model: CodeModel, *, condition: Tensor | None = None, condition_seen: Tensor | None = None
) -> Prepare:
    """For `decode`: one whole pass a block, then passes over the block alone.

    What the net is told of lines and scopes is of the canvas as it was when the block was begun.
    """
    given = {"condition": condition, "condition_seen": condition_seen} if condition is not None else {}

    def prepare(ids: Tensor, start: int, end: int) -> Logits:
        t = torch.zeros(len(ids), device=ids.device)
        net = keeping(model.net, ids, start, end, t, alone=True, **given, **model.signals(ids))
        return lambda x: net(x, t)

    return prepare


def between(logits: Logits, left: list[int], right: list[int]) -> Logits:
    """The logits of canvases that always stand between the same tokens."""

    def inside(ids: Tensor) -> Tensor:
        return logits(_around(ids, left, right))[:, len(left) : len(left) + ids.shape[1]]

    return inside


def prepared_between(prepare: Prepare, left: list[int], right: list[int]) -> Prepare:
    """The same for the net of a block: `prepare` sees all tokens, its net may say of the block alone."""

    def inside(ids: Tensor, start: int, end: int) -> Logits:
        net = prepare(_around(ids, left, right), len(left) + start, len(left) + end)

        def block(x: Tensor) -> Tensor:
            said = net(_around(x, left, right))
            whole = said.shape[1] == len(left) + x.shape[1] + len(right)
            return said[:, len(left) + start : len(left) + end] if whole else said

        return block

    return inside


def _around(ids: Tensor, left: list[int], right: list[int]) -> Tensor:
    sides = [ids.new_tensor(side).expand(len(ids), -1) for side in (left, right)]
    return torch.cat([sides[0], ids, sides[1]], 1)
