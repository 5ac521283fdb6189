"""Queries that come after other questions and their answers: whether what was baked outlasts them."""

from collections.abc import Sequence

from transformers import PreTrainedModel, PreTrainedTokenizerBase

from bloomery.tasks.generation import write

BETWEEN = "\n"


def after_turns(
    model: PreTrainedModel,
    tokenizer: PreTrainedTokenizerBase,
    queries: Sequence[str],
    distractors: Sequence[str],
    turns: int,
    *,
    max_new_tokens: int,
    between: str = BETWEEN,
) -> list[str]:
    """Each query after so many distractors with the answers that `model`, unprompted, gives to them.

    Answers of the model before it was baked show nothing of the prompt, so that they cannot remind of it.
    """
    if not turns:
        return list(queries)
    answers = write(model, tokenizer, list(distractors), max_new_tokens=max_new_tokens)
    spoken = [f"{asked}{answer}{between}" for asked, answer in zip(distractors, answers, strict=True)]
    starts = (number * turns for number in range(len(queries)))
    before = ("".join(spoken[(start + turn) % len(spoken)] for turn in range(turns)) for start in starts)
    return [turns_before + query for turns_before, query in zip(before, queries, strict=True)]
