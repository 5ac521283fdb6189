"""Other questions and their answers before a query: whether what was baked outlasts them."""

from collections.abc import Sequence
from dataclasses import replace

from transformers import PreTrainedModel, PreTrainedTokenizerBase

from bloomery.forge.baking.completions import Completion
from bloomery.tasks.generation import write
from bloomery.tasks.tokenizer import encode

BETWEEN = "\n"


def turns_before(
    model: PreTrainedModel,
    tokenizer: PreTrainedTokenizerBase,
    distractors: Sequence[str],
    *,
    turns: int,
    count: int,
    max_new_tokens: int,
) -> list[str]:
    """`count` texts of so many turns: distractors, each with the answer that `model`, unprompted, gives.

    Answers of the model before it was baked show nothing of the prompt, so that they cannot remind of it.
    """
    answers = write(model, tokenizer, list(distractors), max_new_tokens=max_new_tokens)
    spoken = [f"{asked}{answer}{BETWEEN}" for asked, answer in zip(distractors, answers, strict=True)]
    return [
        "".join(spoken[(number * turns + turn) % len(spoken)] for turn in range(turns))
        for number in range(count)
    ]


def after_turns(
    tokenizer: PreTrainedTokenizerBase, completions: Sequence[Completion], texts: Sequence[str]
) -> list[Completion]:
    """The same completions, of which the student sees the query after one of these texts each."""
    told = zip(completions, texts, strict=True)
    return [replace(one, turns=tuple(encode(tokenizer, text))) for one, text in told]
