"""Texts that a model writes on its own: greedily, or drawn from its distribution at a temperature."""

from collections.abc import Callable, Sequence
from typing import Any

import torch
from transformers import PreTrainedModel, PreTrainedTokenizerBase

from bloomery.core.errors import ConfigError
from bloomery.tasks.accuracy import Accuracy, Answered, evaluating, summarize
from bloomery.tasks.batches import pad_id
from bloomery.tasks.plain_decoding import GREEDY, SAMPLED, plainly
from bloomery.tasks.task import Example
from bloomery.tasks.tokenizer import begin, check_vocabulary, encode, end


def write(
    model: PreTrainedModel,
    tokenizer: PreTrainedTokenizerBase,
    prompts: Sequence[str],
    *,
    max_new_tokens: int,
    batch_size: int = 16,
    **generate_options: Any,
) -> list[str]:
    """What greedy decoding adds to each prompt, up to eos or `max_new_tokens`."""
    check_vocabulary(model, tokenizer)
    written: list[str] = []
    with evaluating(model):
        for start in range(0, len(prompts), batch_size):
            ids = [
                begin(tokenizer) + encode(tokenizer, prompt) for prompt in prompts[start : start + batch_size]
            ]
            added = continued(
                model, ids, max_new_tokens, pad=pad_id(tokenizer), ends=end(tokenizer), **generate_options
            )
            written += [str(tokenizer.decode(one, skip_special_tokens=True)) for one in added]
    return written


def written_accuracy(
    model: PreTrainedModel,
    tokenizer: PreTrainedTokenizerBase,
    examples: Sequence[Example],
    *,
    benchmark: str,
    score: Callable[[Example, str], float],
    chance: float,
    max_new_tokens: int,
    batch_size: int = 16,
    **generate_options: Any,
) -> Accuracy:
    """The share of examples whose written answer `score` gives full marks.

    Raises: FormatRefused where model and tokenizer are not a pair; ConfigError without examples.
    """
    if not examples:
        raise ConfigError("no examples to measure accuracy on")
    texts = write(
        model,
        tokenizer,
        [example.prompt for example in examples],
        max_new_tokens=max_new_tokens,
        batch_size=batch_size,
        **generate_options,
    )
    return summarize(
        [
            Answered(example.difficulty, chance, score(example, text) >= 1.0)
            for example, text in zip(examples, texts, strict=True)
        ],
        benchmark,
    )


def continued(
    model: PreTrainedModel,
    prompts: Sequence[Sequence[int]],
    max_new_tokens: int,
    *,
    pad: int,
    ends: Sequence[int],
    temperature: float | None = None,
    keep_end: bool = False,
    **options: Any,
) -> list[list[int]]:
    """What a model adds to each row of ids, up to the first of `ends`; padding goes to the left.

    Greedily, or at a temperature from its whole distribution (no top-k, no nucleus), by torch's random state.
    `keep_end` leaves the end among the ids.
    """
    output = generated(
        model,
        prompts,
        max_new_tokens,
        pad=pad,
        eos_token_id=list(ends) or None,
        **(GREEDY if temperature is None else {"temperature": temperature, **SAMPLED}),
        **options,
    )
    return [_until(row, ends, keep_end) for row in output.tolist()]


def generated(
    model: PreTrainedModel,
    prompts: Sequence[Sequence[int]],
    max_new_tokens: int,
    *,
    pad: int,
    **options: Any,
) -> Any:
    """What the model's `generate` gives for rows of ids, padded on the left; of plain ids the new ones.

    Plainly: what the folder's generation config asks for besides, such as penalties, does not count.
    """
    device = next(model.parameters()).device
    longest = max(map(len, prompts))
    ids = torch.tensor([[pad] * (longest - len(one)) + [*one] for one in prompts], device=device)
    mask = torch.tensor([[0] * (longest - len(one)) + [1] * len(one) for one in prompts], device=device)
    generate: Callable[..., Any] = model.generate  # type: ignore[assignment]
    with plainly(model):
        output = generate(
            input_ids=ids, attention_mask=mask, max_new_tokens=max_new_tokens, pad_token_id=pad, **options
        )
    return output[:, longest:] if isinstance(output, torch.Tensor) else output


def _until(ids: list[int], ends: Sequence[int], keep_end: bool) -> list[int]:
    return ids[: next((at + keep_end for at, one in enumerate(ids) if one in ends), None)]
