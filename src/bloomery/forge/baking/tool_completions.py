"""What a model writes in conversations with tools: each of its turns, after the results that really came."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from transformers import PreTrainedModel, PreTrainedTokenizerBase

from bloomery.forge.baking.completions import Completion, sample
from bloomery.tasks.task import Example
from bloomery.tasks.tokenizer import encode
from bloomery.tasks.tools import compact
from bloomery.tasks.tools.conversation import Conversation
from bloomery.tasks.tools.tool import CallRefused
from bloomery.tasks.tools.toolbox import Toolbox


@dataclass(frozen=True, kw_only=True)
class ToolTalks:
    """Samples conversations about examples, by their questions; what tools answer is read and not learnt.

    A turn is what the model wrote up to and with its call, or its whole answer; the query before it is the
    question with all that came since.
    """

    examples: Mapping[str, Example]
    tools: Toolbox
    max_calls: int
    per_query: int
    max_new_tokens: int
    temperature: float

    def __call__(
        self,
        model: PreTrainedModel,
        tokenizer: PreTrainedTokenizerBase,
        prompt: str,
        queries: Sequence[str],
        *,
        seed: int,
    ) -> list[Completion]:
        """Raises: UserError where a conversation outgrows the model's window."""
        talks = [
            Conversation(self.examples[query], self.tools, max_calls=self.max_calls)
            for query in queries
            for _ in range(self.per_query)
        ]
        turns: list[Completion] = []
        for number in range(self.max_calls + 1):
            going = [talk for talk in talks if talk.ended is None]
            if going:
                turns += self._turns(model, tokenizer, prompt, going, seed + number)
        return turns

    def _turns(
        self,
        model: PreTrainedModel,
        tokenizer: PreTrainedTokenizerBase,
        prompt: str,
        talks: Sequence[Conversation],
        seed: int,
    ) -> list[Completion]:
        written = sample(
            model, tokenizer, prompt, [talk.text for talk in talks], temperature=self.temperature,
            max_new_tokens=self.max_new_tokens, seed=seed,
        )  # fmt: skip
        for talk, one in zip(talks, written, strict=True):
            talk.take(str(tokenizer.decode(list(one.written), skip_special_tokens=True)))
        return [_as_far_as_read(tokenizer, one) for one in written]


def _as_far_as_read(tokenizer: PreTrainedTokenizerBase, completion: Completion) -> Completion:
    """Without what follows a call: a conversation drops it."""
    text = str(tokenizer.decode(list(completion.written), skip_special_tokens=True))
    try:
        found = compact.first_call(text)
    except CallRefused:
        found = None
    if found is None:
        return completion
    return Completion(completion.prompt, completion.query, tuple(encode(tokenizer, "".join(found))))
