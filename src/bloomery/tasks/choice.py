"""Multiple choice by log-likelihood: the answer that a model thinks likeliest after the question."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from math import isnan
from typing import Any, Literal

import torch
from torch import Tensor
from torch.nn.functional import cross_entropy
from transformers import PreTrainedModel, PreTrainedTokenizerBase

from bloomery.core.errors import ConfigError, Failure
from bloomery.tasks.accuracy import Accuracy, Answered, evaluating, summarize
from bloomery.tasks.batches import IGNORED, Piece, Row, collate, length_of, pad_id, row
from bloomery.tasks.tokenizer import begin, check_vocabulary, encode

Normalize = Literal["none", "bytes"]


@dataclass(frozen=True)
class Question:
    """A prompt, what may follow it, and which of these is right."""

    prompt: str
    choices: tuple[str, ...]
    right: int


def choice_accuracy(
    model: PreTrainedModel,
    tokenizer: PreTrainedTokenizerBase,
    questions: Sequence[Question],
    *,
    benchmark: str,
    normalize: Normalize = "none",
    batch_size: int = 16,
    **forward_options: Any,
) -> Accuracy:
    """The share of questions whose right choice is the likeliest, by choice count.

    `normalize="bytes"` divides a log-likelihood by the choice's bytes, so that long choices are not
    punished for their length; the benchmark's name then says so. Of equal ones the first counts.

    Raises: FormatRefused where model and tokenizer are not a pair; ConfigError without questions.
    """
    if not questions:
        raise ConfigError("no questions to measure accuracy on")
    pairs = [(question.prompt, choice) for question in questions for choice in question.choices]
    scores = iter(loglikelihoods(model, tokenizer, pairs, batch_size=batch_size, **forward_options))
    answered = []
    for question in questions:
        lengths = [len(choice.encode()) if normalize == "bytes" else 1 for choice in question.choices]
        weighed = [next(scores)[0] / length for length in lengths]
        right = weighed.index(max(weighed)) == question.right
        answered.append(Answered(len(question.choices), 1 / len(question.choices), right))
    return summarize(answered, benchmark if normalize == "none" else f"{benchmark}, normalized by bytes")


def loglikelihoods(
    model: PreTrainedModel,
    tokenizer: PreTrainedTokenizerBase,
    pairs: Sequence[tuple[str, str]],
    *,
    batch_size: int = 16,
    **forward_options: Any,
) -> list[tuple[float, bool]]:
    """For each prompt and continuation: its log-likelihood, and whether greedy decoding would write it.

    Where both are longer than the model's positions, the prompt loses its beginning.

    Raises: Failure where the model gives no number, as one that diverged does.
    """
    check_vocabulary(model, tokenizer)
    room = getattr(model.config, "max_position_embeddings", None)
    parts = [_parts(tokenizer, prompt, continuation, room) for prompt, continuation in pairs]
    found: dict[int, tuple[float, bool]] = {}
    with evaluating(model):
        for indices, batch in _batches(parts, batch_size, pad_id(tokenizer)):
            found.update(zip(indices, _score(model, batch, forward_options), strict=True))
    for index, (prompt, continuation) in enumerate(pairs):
        if isnan(found[index][0]):
            raise Failure(
                f"the model gives no log-likelihood for {continuation!r} after {prompt[-40:]!r}: "
                "its outputs are not a number; its weights may have diverged"
            )
    return [found[index] for index in range(len(pairs))]


def _parts(
    tokenizer: PreTrainedTokenizerBase, prompt: str, continuation: str, room: int | None
) -> list[Piece]:
    after = encode(tokenizer, continuation)
    before = begin(tokenizer) + encode(tokenizer, prompt)
    if not before:
        raise ConfigError("a tokenizer without a beginning token needs a prompt before a continuation")
    if room is not None and len(before) + len(after) > room:
        if len(after) >= room:
            raise ConfigError(
                f"a continuation of {len(after)} tokens does not fit the model's {room} positions"
            )
        before = before[len(before) + len(after) - room :]
    return [(before, False), (after, True)]


def _batches(parts: Sequence[list[Piece]], batch_size: int, pad: int) -> Iterator[tuple[list[int], Row]]:
    order = sorted(range(len(parts)), key=lambda index: length_of(parts[index]))
    for start in range(0, len(order), batch_size):
        indices = order[start : start + batch_size]
        longest = max(length_of(parts[index]) for index in indices)
        yield indices, collate(row(parts[index], longest, pad) for index in indices)


def _score(model: PreTrainedModel, batch: Row, forward_options: dict[str, Any]) -> list[tuple[float, bool]]:
    """Shapes: batch (B, T)"""
    device = next(model.parameters()).device
    labels = batch["labels"][:, 1:].to(device)
    logits: Tensor = model(
        input_ids=batch["input_ids"].to(device),
        attention_mask=batch["attention_mask"].to(device),
        use_cache=False,
        **forward_options,
    ).logits[:, :-1]
    losses = cross_entropy(logits.float().transpose(1, 2), labels, ignore_index=IGNORED, reduction="none")
    greedy = ((logits.argmax(dim=-1) == labels) | (labels == IGNORED)).all(dim=1)
    totals = -losses.sum(dim=1, dtype=torch.float64)
    return list(zip(totals.tolist(), greedy.tolist(), strict=True))
