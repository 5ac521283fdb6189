"""Batches of prompts with their canvases, drawn from seeds: no example is kept anywhere."""

import random
from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn.utils.rnn import pad_sequence

from bloomery.diffusion.code.judging.program import LANGUAGES, Language
from bloomery.diffusion.code.prompting.cutting import Cutting
from bloomery.diffusion.code.prompting.layout import places
from bloomery.diffusion.code.prompting.model import PromptModel
from bloomery.diffusion.code.tasks.interpreting import MOST_DEPTH
from bloomery.diffusion.code.tasks.operation import Meaning
from bloomery.diffusion.code.tasks.sampling import compose
from bloomery.diffusion.code.tasks.wording import word


@dataclass(frozen=True)
class Drawing:
    """Example n is a whole batch, a function of seed and n: `programs` canvases of one language, whose
    sketches are known, and `sketches` canvases that end behind theirs, with prompts."""

    model: PromptModel
    cutting: Cutting
    count: int
    programs: int = 8
    sketches: int = 32
    seed: int = 0

    def __len__(self) -> int:
        return self.count

    def __getitem__(self, index: int, /) -> dict[str, Tensor]:
        rng = random.Random(f"prompts {self.seed} {index}")
        meanings = [_drawn(rng) for _ in range(self.sketches)]
        language = LANGUAGES[index % len(LANGUAGES)]
        written = self.canvases([_drawn(rng) for _ in range(self.programs)], language)
        condition, seen = self.model.words.batch([word(one, rng) for one in meanings])
        asked = {"x": self.sketched(meanings, language), "condition": condition, "condition_seen": seen}
        return {f"asked_{name}": one for name, one in asked.items()} | written

    def canvases(self, meanings: Sequence[Meaning], language: Language) -> dict[str, Tensor]:
        """Shapes: x, lines, indents, scopes, seen (B, L)"""
        layout, sketches = self.model.layouts[language], self.model.sketches
        names = [[step.name for step in one] for one in meanings]
        rows = [
            torch.tensor(layout.canvas(sketches.encode(one), self.cutting.regions(one, language), each))
            for one, each in zip(meanings, names, strict=True)
        ]
        told = places([layout.sizes(one) for one in names], [sketches.numbers(one) for one in names])
        return {"x": pad_sequence(rows, batch_first=True)} | told

    def sketched(self, meanings: Sequence[Meaning], language: Language) -> Tensor:
        """Shapes: -> (B, begin)"""
        opening = self.model.layouts[language].given
        return torch.tensor([[*opening, *self.model.sketches.encode(one)] for one in meanings])


def _drawn(rng: random.Random) -> Meaning:
    return compose(rng.randint(1, MOST_DEPTH), "train", rng, plain=False)
