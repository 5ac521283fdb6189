"""Generated tasks as grids of symbols: the prompt, and empty cells where the answer belongs."""

import random
from collections.abc import Sequence

import torch
from torch import Tensor

from bloomery.core.errors import ConfigError
from bloomery.models.modeling_trm import IGNORED_LABEL
from bloomery.tasks.splitting import draw_from
from bloomery.tasks.task import Example, Task

EMPTY = 0
SYMBOLS = 257  # nothing, and a byte
Grid = dict[str, Tensor]


class Grids(torch.utils.data.Dataset[Grid]):
    """As many training examples, none of them held out; item i depends on the seed and i alone."""

    def __init__(self, task: Task, difficulty: int, *, cells: int, seed: int, length: int) -> None:
        self.task, self.difficulty, self.cells = task, difficulty, cells
        self.seed, self.length = seed, length

    def __len__(self) -> int:
        return self.length

    def __getitem__(self, index: int) -> Grid:
        rng = random.Random(f"grids/{self.seed}/{index}")
        return grid(draw_from(self.task, "train", rng, self.difficulty), self.cells)


def grid(example: Example, cells: int) -> Grid:
    """The prompt's cells have no label; those after it have the answer's symbols, and then nothing.

    Shapes: input_ids, labels (cells,)
    Raises: ConfigError where prompt and answer need more cells.
    """
    prompt, answer = (_symbols(text) for text in (example.prompt, example.answer))
    if len(prompt) + len(answer) > cells:
        raise ConfigError(
            f"'{example.prompt}' and its answer need {len(prompt) + len(answer)} cells, and a grid has "
            f"{cells}: raise puzzles.cells"
        )
    empty = cells - len(prompt)
    return {
        "input_ids": torch.tensor(prompt + [EMPTY] * empty),
        "labels": torch.tensor([IGNORED_LABEL] * len(prompt) + answer + [EMPTY] * (empty - len(answer))),
    }


def stacked(grids: Sequence[Grid]) -> Grid:
    """Shapes: each (B, cells)"""
    return {name: torch.stack([each[name] for each in grids]) for name in grids[0]}


def _symbols(text: str) -> list[int]:
    return [byte + 1 for byte in text.encode()]
