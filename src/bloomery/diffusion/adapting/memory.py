"""A memory for each task: its best samples, from which new ones grow. Weights are not touched.

A memory that is left out leaves the model as it was, to the bit.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch import Tensor

from bloomery.core.config import option
from bloomery.diffusion.buffer.contents import Field
from bloomery.diffusion.buffer.evicting import Eviction
from bloomery.diffusion.buffer.trajectories import BufferConfig, TrajectoryBuffer
from bloomery.diffusion.guiding.rewards import Reward, asked


@dataclass(frozen=True, kw_only=True)
class MemoryConfig:
    """How much is remembered, who makes room, and who is asked."""

    capacity: int = option(1000, help="samples of a task", low=1)
    eviction: Eviction = option("worst", help="who makes room in a task: worst, oldest, random")
    tasks: int = option(100, help="tasks; the one that was longest not added to makes room", low=1)
    alpha: float = option(1.0, help="rank r is recalled with weight r^-alpha; 0: all alike", low=0.0)
    own: float = option(0.8, help="share recalled from the task itself, if it has any", low=0.0, high=1.0)
    alike: int = option(3, help="how many similar tasks are asked", low=0)
    least: float = option(0.3, help="least similarity of a task that is asked", low=-1.0, high=1.0)


class Memories:
    """Tasks' memories, in the order in which they were last added to."""

    def __init__(self, config: MemoryConfig, fields: Mapping[str, Field]) -> None:
        self.config, self.fields = config, {"x": fields["x"]}
        self.held: dict[str, TrajectoryBuffer] = {}
        self.embeddings: dict[str, Tensor] = {}

    def __len__(self) -> int:
        return sum(len(held) for held in self.held.values())

    def copy(self) -> Memories:
        """The same memories, apart: adding to one leaves the other as it is."""
        other = Memories(self.config, self.fields)
        for task, held in self.held.items():
            other.held[task] = self.empty()
            other.held[task].merge(held)
        other.embeddings = dict(self.embeddings)
        return other

    def remember(self, task: str, x: Any, rewards: Any, embedding: Tensor | None, round: int) -> None:
        """Add samples to a task's memory. Shapes: x (B, ...), rewards (B,), embedding (E,)"""
        held = self.held.pop(task, None) or self.empty()
        self.held[task] = held  # the last added to is the last
        held.add_many({"x": np.asarray(x)}, rewards, tasks=task, origin="synthetic", round=round)
        if embedding is not None:
            self.embeddings[task] = embedding
        while len(self.held) > self.config.tasks:
            gone = next(iter(self.held))
            del self.held[gone]
            self.embeddings.pop(gone, None)

    def recall(
        self, task: str, embedding: Tensor | None, count: int, generator: torch.Generator
    ) -> Tensor | None:
        """Samples by rank, from the task's own memory and from those of similar tasks; None: there are none.

        Shapes: -> (count, ...)
        """
        asked_of = self.similar(task, embedding)
        own = round(count * self.config.own) if asked_of else count
        if task not in self.held:
            own = 0
        rest = count - own
        if rest and not asked_of:
            return None
        shares = [(task, own)] if own else []
        shares += [(name, len(range(place, rest, len(asked_of)))) for place, name in enumerate(asked_of)]
        return torch.cat([self._drawn(name, many, generator) for name, many in shares if many])

    def similar(self, task: str, embedding: Tensor | None) -> list[str]:
        """The most similar other tasks, the nearest first."""
        if embedding is None:
            return []
        near = {name: similarity(embedding, other) for name, other in self.embeddings.items() if name != task}
        found = sorted(
            (name for name in near if near[name] >= self.config.least), key=lambda name: -near[name]
        )
        return found[: self.config.alike]

    def empty(self) -> TrajectoryBuffer:
        config = BufferConfig(
            capacity=self.config.capacity, alpha=self.config.alpha, eviction=self.config.eviction
        )
        return TrajectoryBuffer(self.fields, config, seed=0)

    def _drawn(self, task: str, count: int, generator: torch.Generator) -> Tensor:
        """By the generator given, not the memory's own: to recall changes nothing."""
        held = self.held[task]
        chances = torch.from_numpy(held.probabilities())
        slots = torch.multinomial(chances, count, replacement=True, generator=generator)
        return torch.from_numpy(held.entries(slots.numpy()).content["x"])


def similarity(one: Tensor, other: Tensor) -> float:
    """The cosine of two embeddings, 0 where they differ in length or one is 0."""
    if one.shape != other.shape:
        return 0.0
    lengths = float(one.norm() * other.norm())
    return float(one @ other) / lengths if lengths else 0.0


def embedded(reward: Reward, probe: Tensor, timeout_s: float | None) -> Tensor:
    """A task by how it ranks the same samples: the cosine of two tasks is their Spearman correlation.

    Any increasing transform of a reward is the same task. Shapes: probe (P, ...) -> (P,)
    """
    said = asked(reward, probe, timeout_s)
    ordered = said.sort().values
    below, up_to = torch.searchsorted(ordered, said), torch.searchsorted(ordered, said, right=True)
    return (below + up_to).double() - len(said)  # mean rank of equals, centred
