"""Questions answered by a thinking model with its mixing head: what follows a thought, and what does not."""

from collections.abc import Sequence
from typing import NamedTuple

import torch
from torch import Tensor, nn
from transformers import PreTrainedTokenizerBase

from bloomery.models.thinking.layout import Texts, last_spots
from bloomery.models.thinking.policy import Policy
from bloomery.models.thinking.speaking import speak
from bloomery.models.thinking.thinking_model import ThinkingModel
from bloomery.tasks.batches import pad_id
from bloomery.tasks.tokenizer import begin, encode


class ThoughtAndAnswer(NamedTuple):
    """What the model thought of a question, and what it then said."""

    thought: str
    answer: str


def answer(
    thinking: ThinkingModel,
    tokenizer: PreTrainedTokenizerBase,
    questions: Sequence[str],
    *,
    thought_tokens: int = 64,
    max_new_tokens: int = 32,
    weight: float | None = None,
) -> list[ThoughtAndAnswer]:
    """A thought behind each question, greedily, and an answer of tokens foretold with it and without it.

    `weight` takes the mixing head's place: 0 answers without the thoughts, 1 with them alone.

    Source: arXiv 2403.09629 (Quiet-STaR), section 4.3
    """
    texts = _texts(questions, tokenizer, next(thinking.base.parameters()).device)
    barred = set(tokenizer.all_special_ids) - {thinking.start, thinking.end}
    greedy = Policy(
        start=thinking.start, end=thinking.end, length=thought_tokens, temperature=0.0,
        barred=tuple(sorted(barred)),
    )  # fmt: skip
    thoughts = thinking.think(texts, last_spots(texts), greedy)
    stop = tokenizer.eos_token_id
    said = speak(thinking, texts, thoughts, max_new_tokens=max_new_tokens, stop=stop, weight=weight)
    counts = thoughts.lengths.tolist()
    thought = [ids[:count] for ids, count in zip(thoughts.ids.tolist(), counts, strict=True)]
    return [
        ThoughtAndAnswer(str(tokenizer.decode(one)), str(tokenizer.decode(other)))
        for one, other in zip(thought, said, strict=True)
    ]


def _texts(questions: Sequence[str], tokenizer: PreTrainedTokenizerBase, device: torch.device) -> Texts:
    rows = [torch.tensor(begin(tokenizer) + encode(tokenizer, question)) for question in questions]
    return Texts(_padded(rows, pad_id(tokenizer)).to(device), _padded(_ones(rows), 0).to(device))


def _padded(rows: Sequence[Tensor], value: int) -> Tensor:
    return nn.utils.rnn.pad_sequence(list(rows), batch_first=True, padding_value=value)


def _ones(rows: Sequence[Tensor]) -> list[Tensor]:
    return [torch.ones_like(row) for row in rows]
