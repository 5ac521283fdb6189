"""An expert set cut down to what a design uses: what is stored, and what candidates are judged with."""

from collections.abc import Mapping
from dataclasses import replace

import torch
from torch import Tensor

from bloomery.forge.experts.designs import Design
from bloomery.models.packed.experts import ExpertSet

MIXED = "mixture"


def trimmed(held: ExpertSet, design: Design, own: Mapping[str, object]) -> ExpertSet | None:
    """The set without layers of strength 0; one vector where no prompt is dispatched; None: nothing to store.

    `own` are the model's settings as they are.
    """
    changed = {name: value for name, value in design.settings.items() if value != own[name]}
    told = {"strategy": design.strategy, "threshold": design.threshold, "thoughts": design.thoughts}
    told |= {name: held.design[name] for name in ("dispatch",) if name in held.design}
    plain = design.steps == ("act",) and not design.thoughts
    if not design.turns and not changed and plain:
        return None
    kept = [at for at, strength in enumerate(design.strengths) if strength > 0] if design.turns else []
    kept = kept or [0]
    strengths = torch.tensor([design.strengths[at] for at in kept])
    deltas, weights = _columns(held, kept), torch.tensor(design.weights)
    cut = replace(
        held, ranks={name: held.ranks[name] for name in _named(held, kept)}, deltas=deltas, mixture=weights,
        strengths=strengths, settings=changed, design=told,
    )  # fmt: skip
    if design.dispatches:
        return cut
    mixed = (weights.double() @ deltas.double())[None]
    return replace(cut, names=(MIXED,), deltas=mixed.half(), mixture=torch.ones(1), dispatcher=None)


def widened(cut: ExpertSet, ranks: Mapping[str, int], own: Mapping[str, object]) -> ExpertSet:
    """The same over all layers, those that it lacks at z = 1, with every setting: the same model."""
    parts = dict(zip(cut.ranks, cut.deltas.split(list(cut.ranks.values()), dim=1), strict=True))
    strengths = dict(zip(cut.ranks, cut.strengths.tolist(), strict=True))
    rows, kind = len(cut.names), cut.deltas.dtype
    return replace(
        cut, ranks=dict(ranks), settings={**own, **cut.settings},
        deltas=torch.cat([parts.get(name, _zeros(rows, size, kind)) for name, size in ranks.items()], dim=1),
        strengths=torch.tensor([strengths.get(name, 1.0) for name in ranks]),
    )  # fmt: skip


def _zeros(rows: int, size: int, dtype: torch.dtype) -> Tensor:
    return torch.zeros(rows, size, dtype=dtype)


def _named(held: ExpertSet, kept: list[int]) -> list[str]:
    return [list(held.ranks)[at] for at in kept]


def _columns(held: ExpertSet, kept: list[int]) -> Tensor:
    parts = held.deltas.split(list(held.ranks.values()), dim=1)
    return torch.cat([parts[at] for at in kept], dim=1)
