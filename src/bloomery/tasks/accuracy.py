"""Exact-match accuracy, with its chance level and interval, of any causal language model."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from math import fsum
from typing import Any

import torch
from torch import Tensor
from torch.nn.functional import cross_entropy
from transformers import PreTrainedModel, PreTrainedTokenizerBase

from bloomery.core.errors import ConfigError
from bloomery.tasks.batches import IGNORED, Row, collate, length_of, pad_id, pieces, row
from bloomery.tasks.intervals import wilson
from bloomery.tasks.task import Example, Task, benchmark
from bloomery.tasks.tokenizer import check_vocabulary


@dataclass(frozen=True)
class Accuracy:
    """How many were right, beside what guessing gives and how sure the count makes us.

    Units: rates from 0 to 1; `low` and `high` bound the true rate at 95 % (Wilson); `steps` are recursion
    steps executed per token, `answer_steps` those at the positions that predict the answer; `likelihood` is
    the mean over examples of the probability of an answer's token (geometric mean over its tokens), where the
    whole distribution was looked at: it tells apart models that are equally often right.
    """

    correct: int
    total: int
    chance: float
    low: float
    high: float
    benchmark: str
    by_difficulty: dict[int, "Accuracy"] = field(default_factory=dict)
    steps: float | None = None
    answer_steps: float | None = None
    likelihood: float | None = None

    @property
    def rate(self) -> float:
        return self.correct / self.total

    @property
    def above_chance(self) -> bool:
        """Whether guessing is outside of what the count leaves possible."""
        return self.low > self.chance

    def __str__(self) -> str:
        return (
            f"{self.benchmark}: {self.rate:.3f} [{self.low:.3f}, {self.high:.3f}] "
            f"({self.correct}/{self.total}, chance {self.chance:.3f})"
        )


@dataclass(frozen=True)
class Answered:
    """One example's outcome; steps where the model reports them, likelihood where it was looked at."""

    difficulty: int
    chance: float
    right: bool
    steps: float | None = None
    answer_steps: float | None = None
    likelihood: float | None = None


def summarize(answered: Sequence[Answered], name: str) -> Accuracy:
    """Counts outcomes, overall and by difficulty."""
    levels = sorted({one.difficulty for one in answered})
    return _count(
        answered,
        name,
        {level: _count([one for one in answered if one.difficulty == level], name, {}) for level in levels},
    )


def accuracy(
    model: PreTrainedModel,
    tokenizer: PreTrainedTokenizerBase,
    examples: Sequence[Example],
    task: Task,
    *,
    batch_size: int = 64,
    **forward_options: Any,
) -> Accuracy:
    """The share of examples that greedy decoding answers exactly, and then ends.

    One forward over prompt and answer decides it: decoding gives the answer just where the likeliest
    token after every prefix of the answer is the answer's next one.

    Raises: FormatRefused where model and tokenizer are not a pair; ConfigError without examples.
    """
    if not examples:
        raise ConfigError("no examples to measure accuracy on")
    check_vocabulary(model, tokenizer)
    answered: list[Answered] = []
    with evaluating(model):
        for shown, batch in _batches(examples, tokenizer, batch_size):
            outcomes = zip(shown, *forced(model, batch, forward_options), strict=True)
            answered += [
                Answered(example.difficulty, task.chance(example.difficulty), bool(hit), *taken, likely)
                for example, hit, taken, likely in outcomes
            ]
    return summarize(answered, benchmark(task))


@contextmanager
def evaluating(model: PreTrainedModel) -> Iterator[None]:
    """Evaluation mode without gradients; the mode before is put back."""
    training = model.training
    model.eval()
    try:
        with torch.inference_mode():
            yield
    finally:
        model.train(training)


Steps = tuple[float | None, float | None]


def forced(
    model: PreTrainedModel, batch: Row, forward_options: dict[str, Any]
) -> tuple[list[bool], list[Steps], list[float]]:
    """Of each row: whether its labels are all the likeliest tokens, the steps taken per token, and the
    probability of its labels (geometric mean).

    Shapes: batch (B, T)
    """
    device = next(model.parameters()).device
    batch = {name: tensor.to(device) for name, tensor in batch.items()}
    output = model(
        input_ids=batch["input_ids"],
        attention_mask=batch["attention_mask"],
        use_cache=False,
        **forward_options,
    )
    labels = batch["labels"][:, 1:]
    asked = labels != IGNORED
    likeliest = output.logits[:, :-1].argmax(dim=-1)
    right = ((likeliest == labels) | ~asked).all(dim=1)
    steps = _steps(getattr(output, "steps_taken", None), batch["attention_mask"].bool(), asked)
    return right.tolist(), steps, _likelihoods(output.logits[:, :-1], labels)


def _likelihoods(logits: Tensor, labels: Tensor) -> list[float]:
    """The geometric mean of the probabilities of each row's labels. Shapes: (B, T, V), (B, T)"""
    losses = cross_entropy(logits.float().transpose(1, 2), labels, ignore_index=IGNORED, reduction="none")
    mean = losses.sum(dim=1, dtype=torch.float64) / (labels != IGNORED).sum(dim=1)
    return (-mean).exp().tolist()


def _steps(taken: Tensor | None, real: Tensor, asked: Tensor) -> list[Steps]:
    """Mean steps of each row over its tokens, and over those that predict its answer."""
    if taken is None:
        return [(None, None)] * len(real)
    overall = (taken * real).sum(dim=1) / real.sum(dim=1)
    answering = (taken[:, :-1] * asked).sum(dim=1) / asked.sum(dim=1)
    return list(zip(overall.tolist(), answering.tolist(), strict=True))


def _batches(
    examples: Sequence[Example], tokenizer: PreTrainedTokenizerBase, batch_size: int
) -> Iterator[tuple[list[Example], Row]]:
    """Batches of examples of about the same length."""
    scored = [(example, pieces(replace(example, worked=()), tokenizer)) for example in examples]
    scored.sort(key=lambda pair: length_of(pair[1]))
    for start in range(0, len(scored), batch_size):
        some = scored[start : start + batch_size]
        longest = max(length_of(parts) for _, parts in some)
        yield [one for one, _ in some], collate(row(parts, longest, pad_id(tokenizer)) for _, parts in some)


def _count(answered: Sequence[Answered], name: str, by_difficulty: dict[int, Accuracy]) -> Accuracy:
    correct = sum(one.right for one in answered)
    low, high = wilson(correct, len(answered))
    return Accuracy(
        correct=correct,
        total=len(answered),
        chance=fsum(one.chance for one in answered) / len(answered),
        low=low,
        high=high,
        benchmark=name,
        by_difficulty=by_difficulty,
        steps=_mean([one.steps for one in answered]),
        answer_steps=_mean([one.answer_steps for one in answered]),
        likelihood=_mean([one.likelihood for one in answered]),
    )


def _mean(values: Sequence[float | None]) -> float | None:
    known = [value for value in values if value is not None]
    return fsum(known) / len(known) if known else None
