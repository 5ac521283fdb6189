"""Training data as sequences of rows: item i depends on the seed and i alone.

A loader that remembers how many items it took can therefore go on exactly where it was.
"""

import random
from collections.abc import Iterable, Mapping, Sequence

import torch
from transformers import PreTrainedTokenizerBase

from bloomery.core.errors import ConfigError
from bloomery.tasks.batches import Row, pad_id, row, row_of
from bloomery.tasks.ingredient import Ingredient
from bloomery.tasks.registry import task as task_of
from bloomery.tasks.splitting import draw_from
from bloomery.tasks.task import Example, Task, check_difficulty
from bloomery.tasks.tokenizer import begin, encode, end


class Mixture(torch.utils.data.Dataset[Row]):
    """An endless stream of training examples, cut at `length` items, that never shows a held-out prompt."""

    def __init__(
        self,
        parts: Sequence[tuple[Task, float, Sequence[int]]],
        tokenizer: PreTrainedTokenizerBase,
        *,
        seq_len: int,
        seed: int,
        length: int,
    ) -> None:
        """`parts`: tasks with their weights and difficulties.

        Raises: ConfigError where no part has weight or a difficulty is out of a task's range.
        """
        self.parts = [part for part in parts if part[1] > 0]
        if not self.parts:
            raise ConfigError("a mixture needs at least one task with a weight above 0")
        for task, _, difficulties in self.parts:
            for difficulty in difficulties:
                check_difficulty(task, difficulty)
        self.tokenizer, self.seq_len, self.seed, self.length = tokenizer, seq_len, seed, length

    def __len__(self) -> int:
        return self.length

    def example(self, index: int) -> Example:
        """What item `index` shows, as text."""
        return self.drawn(index)[1]

    def drawn(self, index: int) -> tuple[Task, Example]:
        """The task of item `index`, and what the item shows of it."""
        if not 0 <= index < self.length:
            raise IndexError(f"item {index} of a mixture of {self.length}")
        rng = random.Random(f"mixture/{self.seed}/{index}")
        ((task, _, difficulties),) = rng.choices(self.parts, [weight for _, weight, _ in self.parts])
        return task, draw_from(task, "train", rng, rng.choice(difficulties or task.difficulties))

    def __getitem__(self, index: int) -> Row:
        return row_of(self.example(index), self.tokenizer, self.seq_len)


def mixture(
    tasks: Mapping[str, float | Ingredient],
    tokenizer: PreTrainedTokenizerBase,
    *,
    seq_len: int,
    seed: int,
    length: int = 2**40,
) -> Mixture:
    """A mixture of tasks by name; a plain number is a weight over all the task's difficulties."""
    parts = []
    for name, given in tasks.items():
        part = given if isinstance(given, Ingredient) else Ingredient(weight=given)
        task = task_of(name, **part.options)
        parts.append((task, part.weight, part.difficulties or tuple(task.difficulties)))
    return Mixture(parts, tokenizer, seq_len=seq_len, seed=seed, length=length)


class ExampleRows(torch.utils.data.Dataset[Row]):
    """A fixed list of examples as rows; those longer than `seq_len` are left out and counted."""

    def __init__(
        self, examples: Iterable[Example], tokenizer: PreTrainedTokenizerBase, *, seq_len: int
    ) -> None:
        self.rows: list[Row] = []
        self.too_long = 0
        for example in examples:
            try:
                self.rows.append(row_of(example, tokenizer, seq_len))
            except ConfigError:
                self.too_long += 1
        if not self.rows:
            raise ConfigError(f"none of {self.too_long} examples fits seq_len={seq_len}")

    def __len__(self) -> int:
        return len(self.rows)

    def __getitem__(self, index: int) -> Row:
        return self.rows[index]


class PackedText(torch.utils.data.Dataset[Row]):
    """Texts, each between bos and eos, one after the other and cut into rows of `seq_len` tokens.

    Every token is a label; the last row is padded.
    """

    def __init__(self, texts: Iterable[str], tokenizer: PreTrainedTokenizerBase, *, seq_len: int) -> None:
        ids: list[int] = []
        for text in texts:
            ids += begin(tokenizer) + encode(tokenizer, text) + end(tokenizer)
        if not ids:
            raise ConfigError("there is no text to pack")
        self.ids, self.seq_len, self.pad = ids, seq_len, pad_id(tokenizer)

    def __len__(self) -> int:
        return (len(self.ids) + self.seq_len - 1) // self.seq_len

    def __getitem__(self, index: int) -> Row:
        if not 0 <= index < len(self):
            raise IndexError(f"row {index} of {len(self)}")
        ids = self.ids[index * self.seq_len : (index + 1) * self.seq_len]
        return row([(ids, True)], self.seq_len, self.pad)
