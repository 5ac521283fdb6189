"""Which cells of the held-out tasks one expert can serve, and how many experts that makes.

A short probe for each cell tells what it gains there and elsewhere; cells whose probes help one another are
merged. A number of experts is worth what probes for its clusters gain on held-out examples that did not form
the clusters: each half of them forms and measures once. The smallest number that is not clearly below the
best one is taken.
"""

import random
import statistics
from collections.abc import Sequence
from dataclasses import dataclass, field

import torch
from transformers import PreTrainedModel, PreTrainedTokenizerBase

from bloomery.core.errors import UserError
from bloomery.forge.experts.cells import Cell, answer_losses, asked_of, batch_of, mean_loss
from bloomery.forge.experts.settings import FindConfig
from bloomery.models.packed.svf import Attached
from bloomery.tasks.batches import Row
from bloomery.tasks.splitting import draw_from
from bloomery.tasks.task import Example

Clusters = tuple[tuple[int, ...], ...]
Matrix = list[list[float]]


@dataclass(frozen=True)
class Discovery:
    """The clusters of cells, by place; `gains` is each number's cross-validated share of the loss."""

    clusters: Clusters
    gains: dict[int, float]


def discover(
    model: PreTrainedModel,
    tokenizer: PreTrainedTokenizerBase,
    attached: Attached,
    given: Sequence[Cell],
    config: FindConfig,
    *,
    seed: int,
) -> Discovery:
    """As many experts, within the config's range, as the held-out examples of these cells speak for.

    Raises: UserError where there are fewer cells than experts, or a cell has fewer than two examples.
    """
    check_cells(given, config)
    halves = [[batch_of(asked_of(cell.examples[at::2]), tokenizer) for cell in given] for at in (0, 1)]
    numbers = range(config.fewest, min(config.most, len(given)) + 1)
    gains: dict[int, list[float]] = {number: [0.0] * len(given) for number in numbers}
    helped: list[Matrix] = []
    for turn, (forming, measuring) in enumerate((halves, halves[::-1])):
        probes = _Probes(model, tokenizer, attached, given, config, seed + turn)
        helped.append(probes.matrix(forming))
        for number in numbers:
            for cluster in clustered(helped[-1], number):
                for cell, gain in zip(cluster, probes.gains(cluster, measuring), strict=True):
                    gains[number][cell] += gain / 2
    one, other = (torch.tensor(matrix) for matrix in helped)
    return Discovery(
        clustered((one + other).tolist(), smallest_not_worse(gains)),
        {number: statistics.fmean(gain) for number, gain in gains.items()},
    )


def check_cells(given: Sequence[Cell], config: FindConfig) -> None:
    if config.fewest > len(given):
        raise UserError(
            f"at least {config.fewest} experts were asked for and the held-out tasks have {len(given)} cells "
            "of one task and difficulty; ask for fewer experts, or name more tasks or difficulties"
        )
    if small := [cell.name for cell in given if len(cell.examples) < 2]:
        raise UserError(f"{small[0]} has fewer than two held-out examples; make exam.selection larger")


def clustered(helped: Matrix, number: int) -> Clusters:
    """So many clusters, merged from single cells upwards: always the two that help each other most.

    `helped[i][j]` is what cell i's probe gains on cell j.
    """
    groups: list[tuple[int, ...]] = [(cell,) for cell in range(len(helped))]

    def mutual(pair: tuple[int, int]) -> float:
        a, b = (groups[at] for at in pair)
        return statistics.fmean(helped[i][j] + helped[j][i] for i in a for j in b)

    while len(groups) > number:
        a, b = max(((a, b) for b in range(len(groups)) for a in range(b)), key=mutual)
        groups[a] = tuple(sorted(groups[a] + groups.pop(b)))
    return tuple(sorted(groups))


def smallest_not_worse(gains: dict[int, list[float]]) -> int:
    """The smallest number whose gain is within one standard error (over the cells) of the best one's."""
    best = max(gains, key=lambda number: (statistics.fmean(gains[number]), -number))
    for number in sorted(gains):
        less = [a - b for a, b in zip(gains[best], gains[number], strict=True)]
        error = statistics.stdev(less) / len(less) ** 0.5 if len(less) > 1 else 0.0
        if statistics.fmean(less) <= error:
            return number
    return best


DRAWN = 32  # training examples that a probe learns of each cell


@dataclass
class _Probes:
    """Short trainings from z = 1 by the right answers; each cluster is probed once."""

    model: PreTrainedModel
    tokenizer: PreTrainedTokenizerBase
    attached: Attached
    cells: Sequence[Cell]
    config: FindConfig
    seed: int
    known: dict[tuple[int, ...], torch.Tensor] = field(default_factory=dict)

    def matrix(self, held: Sequence[Row]) -> Matrix:
        """What each cell's probe gains on each cell."""
        everywhere = range(len(self.cells))
        return [self._gains((cell,), everywhere, held) for cell in everywhere]

    def gains(self, cluster: tuple[int, ...], held: Sequence[Row]) -> list[float]:
        """What the cluster's probe gains on its own cells, as a share of their losses."""
        return self._gains(cluster, cluster, held)

    def _gains(self, cluster: tuple[int, ...], where: Sequence[int], held: Sequence[Row]) -> list[float]:
        before = [mean_loss(self.model, held[cell]) for cell in where]
        self.attached.put(self._learned(cluster))
        after = [mean_loss(self.model, held[cell]) for cell in where]
        self.attached.put(None)
        return [1 - b / max(a, 1e-9) for a, b in zip(before, after, strict=True)]

    def _learned(self, cluster: tuple[int, ...]) -> torch.Tensor:
        if cluster not in self.known:
            shown = [one for cell in cluster for one in self._draw(self.cells[cell])]
            self.attached.learn()
            optimizer = torch.optim.Adam(self.attached.parameters(), lr=self.config.probe_lr)
            batch = batch_of(shown, self.tokenizer)
            for _ in range(self.config.probe_steps):
                optimizer.zero_grad()
                answer_losses(self.model, batch).mean().backward()
                optimizer.step()
            self.known[cluster] = self.attached.delta()
            self.attached.put(None)
        return self.known[cluster]

    def _draw(self, cell: Cell) -> list[Example]:
        rng = random.Random(f"discovery/{cell.name}/{self.seed}")
        return [draw_from(cell.task, "train", rng, cell.difficulty) for _ in range(DRAWN)]
