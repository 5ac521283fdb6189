"""What a model writes under a prompt, as token ids: what a bake learns from and is measured on."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import torch
from transformers import PreTrainedModel, PreTrainedTokenizerBase

from bloomery.core.errors import ConfigError, UserError
from bloomery.forge.window import window_of
from bloomery.tasks.accuracy import evaluating
from bloomery.tasks.batches import pad_id
from bloomery.tasks.generation import generated
from bloomery.tasks.plain_decoding import SAMPLED
from bloomery.tasks.tokenizer import begin, check_vocabulary, encode

BATCH = 32


@dataclass(frozen=True)
class Completion:
    """Token ids of a prompt (none: unprompted), of the query after it, and of what was written then.

    `turns` stand before the query where a student reads it, and are not the teacher's.
    """

    prompt: tuple[int, ...]
    query: tuple[int, ...]
    written: tuple[int, ...]
    turns: tuple[int, ...] = ()

    @property
    def length(self) -> int:
        return len(self.prompt) + len(self.query) + len(self.written)


def sample(
    model: PreTrainedModel,
    tokenizer: PreTrainedTokenizerBase,
    prompt: str,
    queries: Sequence[str],
    *,
    per_query: int = 1,
    max_new_tokens: int,
    temperature: float = 1.0,
    seed: int,
    after: Sequence[int] = (),
) -> list[Completion]:
    """What the model writes to each query under the prompt, up to and with eos or `max_new_tokens`.

    Sampled from the whole distribution (no top-k, no nucleus, no penalties). The query keeps its bos, so that
    it is not empty without the prompt; the ids `after` end each query, as a token that begins a thought.

    Raises: UserError where prompt, query and completion do not fit the model's window; ConfigError without
    queries.
    """
    check_vocabulary(model, tokenizer)
    ids = tuple(encode(tokenizer, prompt))
    asked = [(ids, (*one, *after)) for one in _query_ids(tokenizer, queries)]
    check_window(model, prompt, asked, max_new_tokens)
    asked = [one for one in asked for _ in range(per_query)]
    written: list[tuple[int, ...]] = []
    with evaluating(model), torch.random.fork_rng(_devices(model)):
        torch.manual_seed(seed)
        for some in _in_batches(asked):
            given = [joined(tokenizer, *one) for one in some]
            written += _written(model, tokenizer, given, max_new_tokens, temperature)
    return [Completion(*one, new) for one, new in zip(asked, written, strict=True)]


def joined(tokenizer: PreTrainedTokenizerBase, prompt: Sequence[int], query: Sequence[int]) -> list[int]:
    """The ids that a model reads: bos, prompt, query."""
    return [*begin(tokenizer), *prompt, *query]


def check_window(
    model: PreTrainedModel,
    prompt: str,
    asked: Sequence[tuple[Sequence[int], Sequence[int]]],
    max_new_tokens: int,
) -> None:
    """Raises: UserError where a prompt, the query after it and the completion are longer than the window."""
    window, longest = window_of(model), max(len(query) for _, query in asked)
    needed = 1 + len(asked[0][0]) + longest + max_new_tokens
    if window is not None and needed > window:
        raise UserError(
            f"the prompt {shown(prompt)} has {len(asked[0][0])} tokens; with a query of {longest} and "
            f"{max_new_tokens} new ones that is {needed}, and the model's window is {window}: shorten the "
            "prompt or the queries, or ask for fewer new tokens"
        )


def check_not_empty(
    tokenizer: PreTrainedTokenizerBase, prompt: str, completions: Sequence[Completion], most: float
) -> None:
    """Raises: UserError where under the prompt more than `most` of the answers are empty."""
    empty = empty_share(tokenizer, completions)
    if empty > most:
        raise UserError(
            f"under the prompt {shown(prompt)} {empty:.0%} of the model's answers are empty (at most "
            f"{most:.0%} may be); a model baked from it would fall silent: give another prompt"
        )


def empty_share(tokenizer: PreTrainedTokenizerBase, completions: Sequence[Completion]) -> float:
    """The share of completions without a visible character."""
    texts = [str(tokenizer.decode(list(one.written), skip_special_tokens=True)) for one in completions]
    return sum(not text.strip() for text in texts) / len(texts)


def shown(prompt: str) -> str:
    """A prompt within an error's line."""
    return repr(prompt if len(prompt) <= 40 else prompt[:37] + "...")


def _query_ids(tokenizer: PreTrainedTokenizerBase, queries: Sequence[str]) -> list[tuple[int, ...]]:
    if not queries:
        raise ConfigError("no queries to bake a prompt on; give at least one")
    found = [tuple(encode(tokenizer, query)) for query in queries]
    if not begin(tokenizer) and not all(found):
        raise UserError("a query is empty and the tokenizer has no bos: nothing precedes the answer")
    return found


def _in_batches(asked: Sequence[Any]) -> Iterator[Sequence[Any]]:
    return (asked[start : start + BATCH] for start in range(0, len(asked), BATCH))


def _devices(model: PreTrainedModel) -> list[torch.device]:
    device = next(model.parameters()).device
    return [device] if device.type == "cuda" else []


def _written(
    model: PreTrainedModel,
    tokenizer: PreTrainedTokenizerBase,
    given: Sequence[list[int]],
    max_new_tokens: int,
    temperature: float,
) -> list[tuple[int, ...]]:
    """New tokens of each row, its eos included; rows are padded on the left."""
    pad, eos = pad_id(tokenizer), tokenizer.eos_token_id
    output = generated(
        model, given, max_new_tokens, pad=pad, eos_token_id=eos, temperature=temperature, **SAMPLED
    )
    return [_with_eos(row, eos) for row in output.tolist()]


def _with_eos(ids: list[int], eos: int | None) -> tuple[int, ...]:
    return tuple(ids[: ids.index(eos) + 1] if eos in ids else ids)
