"""Cells: held-out examples of one task at one difficulty, the unit in which experts are told apart."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace

import torch
from torch import Tensor
from torch.nn.functional import cross_entropy
from transformers import PreTrainedModel, PreTrainedTokenizerBase

from bloomery.core.errors import ConfigError
from bloomery.forge.exams import Part, TaskExam, exams
from bloomery.forge.settings import ExamConfig
from bloomery.tasks.accuracy import evaluating, forced
from bloomery.tasks.batches import IGNORED, Row, collate, length_of, pad_id, pieces, row
from bloomery.tasks.ingredient import Ingredient
from bloomery.tasks.task import Example, Task

BATCH = 64


@dataclass(frozen=True)
class Cell:
    """The examples of a task at one difficulty."""

    task: Task
    difficulty: int
    examples: tuple[Example, ...]

    @property
    def name(self) -> str:
        return f"{self.task.name}/{self.difficulty}"


def cells(mixture: Mapping[str, Ingredient], exam: ExamConfig, part: Part) -> list[Cell]:
    """The held-out examples of the mixture's generated tasks; data sets have no difficulties to tell apart.

    Raises: ConfigError where the mixture has no generated task, or where one has no scorer.
    """
    found = []
    given = exams(mixture, exam, part, fewer_ok=True)
    for one in (one for one in given.values() if isinstance(one, TaskExam)):
        for level in sorted({example.difficulty for example in one.examples}):
            chosen = tuple(example for example in one.examples if example.difficulty == level)
            found.append(Cell(one.task, level, chosen))
    if not found:
        raise ConfigError(
            f"experts are told apart by generated tasks with exact scorers, and the mixture "
            f"({', '.join(mixture)}) has none; add one"
        )
    return found


def batch_of(examples: Iterable[Example], tokenizer: PreTrainedTokenizerBase) -> Row:
    """Rows as long as the longest example, labels on what is to be answered."""
    parts = [pieces(one, tokenizer) for one in examples]
    longest = max(map(length_of, parts))
    return collate(row(part, longest, pad_id(tokenizer)) for part in parts)


def asked_of(examples: Iterable[Example]) -> list[Example]:
    """The examples as they are measured: what is answered in a prompt is learned from and not scored."""
    return [replace(one, worked=()) for one in examples]


def logits_of(model: PreTrainedModel, batch: Row) -> Tensor:
    """Of every next token. Shapes: (B, T) -> (B, T - 1, V)"""
    given = {name: batch[name] for name in ("input_ids", "attention_mask")}
    logits: Tensor = model(**given, use_cache=False).logits
    return logits[:, :-1]


def answer_losses(model: PreTrainedModel, batch: Row) -> Tensor:
    """Nats a token of each row's labels. Shapes: -> (B,)"""
    labels = batch["labels"][:, 1:]
    losses = cross_entropy(
        logits_of(model, batch).float().transpose(1, 2), labels, ignore_index=IGNORED, reduction="none"
    )
    return losses.sum(1) / (labels != IGNORED).sum(1)


def sat(
    model: PreTrainedModel, tokenizer: PreTrainedTokenizerBase, examples: Sequence[Example]
) -> list[tuple[bool, float]]:
    """Of each example whether greedy decoding answers it exactly, and how likely the answer is."""
    found: list[tuple[bool, float]] = []
    with evaluating(model):
        for start in range(0, len(examples), BATCH):
            batch = batch_of(asked_of(examples[start : start + BATCH]), tokenizer)
            right, _, likely = forced(model, batch, {})
            found += zip(right, likely, strict=True)
    return found


def by_task(cells: Sequence[Cell]) -> dict[str, list[int]]:
    """The places of each task's cells."""
    names = dict.fromkeys(cell.task.name for cell in cells)
    return {name: [i for i, cell in enumerate(cells) if cell.task.name == name] for name in names}


def mean_over_tasks(cells: Sequence[Cell], right: Sequence[Sequence[bool | float]]) -> float:
    """The mean of the tasks' rates, every task counting alike; `right` holds each cell's outcomes."""
    rates = []
    for places in by_task(cells).values():
        outcomes = [float(one) for place in places for one in right[place]]
        rates.append(sum(outcomes) / len(outcomes))
    return sum(rates) / len(rates)


def freeze(model: PreTrainedModel) -> None:
    """Only what is attached to it learns."""
    model.eval()
    model.requires_grad_(False)


def mean_loss(model: PreTrainedModel, batch: Row) -> float:
    with torch.no_grad():
        return float(answer_losses(model, batch).double().mean())
