"""Prompts as ids of words: the words of the grammar, and nothing for any other."""

import re
from collections.abc import Iterator, Sequence
from functools import cached_property

import torch
from torch import Tensor

from bloomery.diffusion.code.tasks.catalogue import OPERATIONS
from bloomery.diffusion.code.tasks.operation import PARAMETERS, Kind
from bloomery.diffusion.code.tasks.understanding import PromptRefused, plain_text
from bloomery.diffusion.code.tasks.wording import ASKING, GIVING, NEXT, TAKING

PAD = "<pad>"
WORD = re.compile(r"\w+|[^\w\s]")


class Words:
    """The words that a model reads, in the order of their ids; the first is padding."""

    def __init__(self, known: Sequence[str]) -> None:
        self.known = tuple(known)

    @classmethod
    def of_grammar(cls) -> "Words":
        return cls((PAD, *sorted(set(_grammar()))))

    @cached_property
    def ids(self) -> dict[str, int]:
        return {word: number for number, word in enumerate(self.known)}

    def __len__(self) -> int:
        return len(self.known)

    def encode(self, prompt: str) -> list[int]:
        """Raises: PromptRefused for a word that the model never read."""
        found = WORD.findall(plain_text(prompt))
        unknown = [word for word in found if word not in self.ids or word == PAD]
        if unknown or not found:
            raise PromptRefused(f"the model never read '{unknown[0]}'" if unknown else "the prompt is empty")
        return [self.ids[word] for word in found]

    def batch(self, prompts: Sequence[str]) -> tuple[Tensor, Tensor]:
        """Ids, and where there is a word. Shapes: -> (B, C), (B, C)"""
        rows = [self.encode(prompt) for prompt in prompts]
        longest = max(map(len, rows), default=0)
        ids = torch.tensor([row + [0] * (longest - len(row)) for row in rows])
        return ids, ids != 0


def _grammar() -> Iterator[str]:
    texts = [*ASKING, *TAKING, GIVING, NEXT, *Kind, *map(str, PARAMETERS)]
    for one in OPERATIONS.values():
        texts += [text.replace("%", "") for text in (*one.nouns, *one.clauses, *one.given)]
    for text in texts:
        yield from WORD.findall(text)
