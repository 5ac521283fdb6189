"""Temperature self-prediction: at which temperature did I write this?

What can be known at best follows from the model's own distribution (Bayes), so the measured accuracy stands
beside chance and beside that.
"""

import random
from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor
from transformers import PreTrainedModel, PreTrainedTokenizerBase

from bloomery.forge.curriculum.sampling import sampled, texts_of
from bloomery.tasks.accuracy import evaluating
from bloomery.tasks.task import Example
from bloomery.tasks.tokenizer import begin, encode

MARK = "~"  # between what was written and the number of its temperature


@dataclass(frozen=True)
class Written:
    """What the model added to a prompt at the temperature of this place in the list."""

    prompt: str
    ids: tuple[int, ...]
    text: str
    place: int

    def example(self) -> Example:
        """As a problem to learn from or to be asked: the number of the temperature is the answer."""
        return Example(f"{self.prompt}{self.text}{MARK}", str(self.place), self.place)


def written_at(
    model: PreTrainedModel,
    tokenizer: PreTrainedTokenizerBase,
    prompts: Sequence[str],
    temperatures: Sequence[float],
    *,
    max_new_tokens: int,
    seed: int,
) -> list[Written]:
    """Each prompt continued at one of the temperatures, all of them equally often."""
    order = list(prompts)
    random.Random(f"temperatures/{seed}").shuffle(order)
    found: list[Written] = []
    for place, temperature in enumerate(temperatures):
        mine = order[place :: len(temperatures)]
        rows = sampled(
            model, tokenizer, mine, max_new_tokens=max_new_tokens, temperature=temperature, seed=seed + place,
            keep_end=True,
        )  # fmt: skip
        texts = texts_of(tokenizer, rows)
        found += [
            Written(prompt, tuple(row), text, place)
            for prompt, row, text in zip(mine, rows, texts, strict=True)
        ]
    return found


def best_possible(
    model: PreTrainedModel,
    tokenizer: PreTrainedTokenizerBase,
    written: Sequence[Written],
    temperatures: Sequence[float],
) -> float:
    """The accuracy of who knows the model's distribution: the likeliest temperature's mean probability."""
    best = []
    with evaluating(model):
        for one in written:
            likelihoods = _log_likelihoods(model, tokenizer, one, temperatures)
            best.append(float(likelihoods.softmax(0).max()))
    return sum(best) / len(best)


def _log_likelihoods(
    model: PreTrainedModel, tokenizer: PreTrainedTokenizerBase, one: Written, temperatures: Sequence[float]
) -> Tensor:
    """log p(what was written | temperature) for each. Shapes: (temperatures,)"""
    before = begin(tokenizer) + encode(tokenizer, one.prompt)
    ids = torch.tensor([before + list(one.ids)], device=next(model.parameters()).device)
    logits = model(input_ids=ids, use_cache=False).logits[0, len(before) - 1 : -1].double()
    taken = torch.tensor(one.ids, device=ids.device)[:, None]
    return torch.stack(
        [(logits / temperature).log_softmax(-1).gather(1, taken).sum() for temperature in temperatures]
    )
