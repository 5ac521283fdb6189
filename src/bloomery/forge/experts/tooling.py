"""Answers with tools: calls in what the model writes are carried out, and it goes on from their results."""

from collections.abc import Sequence

from transformers import PreTrainedModel, PreTrainedTokenizerBase

from bloomery.forge.experts.writing import Written, written
from bloomery.tasks.task import Example
from bloomery.tasks.tokenizer import encode
from bloomery.tasks.tools.conversation import Conversation
from bloomery.tasks.tools.toolbox import toolbox

MOST_CALLS, CALL = 4, 48  # calls of an attempt, and tokens of a call


def written_with_tools(
    model: PreTrainedModel,
    tokenizer: PreTrainedTokenizerBase,
    prompts: Sequence[Sequence[int]],
    examples: Sequence[Example],
    *,
    max_new_tokens: int,
) -> tuple[list[Written], int]:
    """The last turn of each attempt, and the tokens that all turns read and wrote.

    A prompt to which no call is written has the answer that it has without tools; nothing, where an attempt
    ends in a call.
    """
    tools = toolbox()
    talks = [Conversation(example, tools, max_calls=MOST_CALLS) for example in examples]
    last, tokens = [Written([], 0.0) for _ in talks], 0
    while going := [at for at, talk in enumerate(talks) if talk.ended is None]:
        asked = [[*prompts[at], *encode(tokenizer, talks[at].transcript)] for at in going]
        turns = written(model, tokenizer, asked, max_new_tokens=max(CALL, max_new_tokens))
        for at, before, one in zip(going, asked, turns, strict=True):
            tokens += len(before) + len(one.ids)
            last[at] = one
            talks[at].take(str(tokenizer.decode(one.ids, skip_special_tokens=True)))
    return [
        one if talk.answer is not None else Written([], 0.0) for talk, one in zip(talks, last, strict=True)
    ], tokens
