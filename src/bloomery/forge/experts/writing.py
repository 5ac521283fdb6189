"""Prompts as token ids, and answers that the model writes to them with how sure it is."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

import torch
from transformers import PreTrainedModel, PreTrainedTokenizerBase

from bloomery.tasks.batches import pad_id, pieces
from bloomery.tasks.generation import generated
from bloomery.tasks.plain_decoding import GREEDY, SAMPLED
from bloomery.tasks.task import Example


@dataclass(frozen=True)
class Prompt:
    """The ids of a prompt, from bos on, and of its answer, to eos; `example` holds what its tools find."""

    ids: list[int]
    answer: list[int]
    example: Example


class Written(NamedTuple):
    """What was written, to eos where it ended; `confidence` is its tokens' mean probability (geometric)."""

    ids: list[int]
    confidence: float


def prompt_of(example: Example, tokenizer: PreTrainedTokenizerBase) -> Prompt:
    *before, (answer, _) = pieces(example, tokenizer)
    return Prompt([token for piece, _ in before for token in piece], list(answer), example)


def sampled(
    model: PreTrainedModel,
    tokenizer: PreTrainedTokenizerBase,
    prompts: Sequence[Sequence[int]],
    *,
    max_new_tokens: int,
) -> list[list[int]]:
    """One answer for each prompt, drawn at temperature 1 from torch's generator."""
    pad, eos = pad_id(tokenizer), tokenizer.eos_token_id
    output = generated(model, prompts, max_new_tokens, pad=pad, eos_token_id=eos, temperature=1.0, **SAMPLED)
    return [_to_eos(row, eos) for row in output.tolist()]


def written(
    model: PreTrainedModel,
    tokenizer: PreTrainedTokenizerBase,
    prompts: Sequence[Sequence[int]],
    *,
    max_new_tokens: int,
    batch_size: int = 128,
    stop: int | None = None,
) -> list[Written]:
    """What greedy decoding writes to each prompt, to eos (or `stop`) or so many tokens."""
    found: list[Written] = []
    end = tokenizer.eos_token_id if stop is None else stop
    for start in range(0, len(prompts), batch_size):
        options = {"output_logits": True, "return_dict_in_generate": True, "eos_token_id": end}
        some = prompts[start : start + batch_size]
        output = generated(model, some, max_new_tokens, pad=pad_id(tokenizer), **GREEDY | options)
        new = output.sequences[:, -len(output.logits) :]
        scores = torch.stack(output.logits, dim=1).float().log_softmax(-1)
        chosen = scores.gather(-1, new[..., None])[..., 0].double()
        for row, likely in zip(new.tolist(), chosen.tolist(), strict=True):
            ids = _to_eos(row, end)
            found.append(Written(ids, float(torch.tensor(likely[: len(ids)]).mean().exp())))
    return found


def _to_eos(ids: list[int], eos: int | None) -> list[int]:
    return ids[: ids.index(eos) + 1] if eos in ids else ids
