"""Attempts with tools: calls in what a model writes are carried out, and it goes on from their results."""

from collections.abc import Sequence
from dataclasses import dataclass

from transformers import PreTrainedModel, PreTrainedTokenizerBase

from bloomery.forge.curriculum.attempts import OwnWords, Reply
from bloomery.forge.curriculum.pool import Problem
from bloomery.forge.curriculum.sampling import sampled, texts_of
from bloomery.tasks.task import Example
from bloomery.tasks.tools.conversation import Conversation
from bloomery.tasks.tools.toolbox import Toolbox


@dataclass(frozen=True)
class WithTools:
    """The model may call tools before it answers; from a hint it goes on in its own words alone."""

    tools: Toolbox
    temperature: float
    max_calls: int
    max_new_tokens: int

    def __call__(
        self,
        model: PreTrainedModel,
        tokenizer: PreTrainedTokenizerBase,
        problems: Sequence[Problem],
        seed: int,
    ) -> list[Reply]:
        alone = [one for one in problems if one.hints]
        spoken = OwnWords(self.temperature)(model, tokenizer, alone, seed) if alone else []
        found = {one.number: reply for one, reply in zip(alone, spoken, strict=True)}
        talks = {
            one.number: Conversation(one.example, self.tools, max_calls=self.max_calls)
            for one in problems
            if not one.hints
        }
        for turn in range(self.max_calls + 1):
            self._turn(model, tokenizer, [one for one in talks.values() if one.ended is None], seed + turn)
        found |= {one.number: _reply(one.example, talks[one.number]) for one in problems if not one.hints}
        return [found[one.number] for one in problems]

    def _turn(
        self, model: PreTrainedModel, tokenizer: PreTrainedTokenizerBase, talks: list[Conversation], seed: int
    ) -> None:
        if not talks:
            return
        rows = sampled(
            model, tokenizer, [one.text for one in talks],
            max_new_tokens=self.max_new_tokens, temperature=self.temperature, seed=seed,
        )  # fmt: skip
        for talk, text in zip(talks, texts_of(tokenizer, rows), strict=True):
            talk.take(text)


def _reply(example: Example, talk: Conversation) -> Reply:
    """The answer, and the problem as it stood then: calls that returned, to be learned; the rest, given."""
    if talk.answer is None:
        return Reply("")
    before = talk.text.removesuffix(talk.answer)
    worked, at = list(example.worked), len(example.prompt)
    for one in talk.called:
        begin = before.index(one.written, at)
        at = begin + len(one.written)
        if one.state == "returned":
            worked.append((begin, at))
    return Reply(talk.answer, Example(before, example.answer, example.difficulty, tuple(worked)))
