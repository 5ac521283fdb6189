"""Chained sums: `3+5+9=` is answered by `17`."""

import random
import re
from dataclasses import dataclass
from typing import ClassVar

from bloomery.core.config import option
from bloomery.tasks.counting import sums
from bloomery.tasks.task import Drawn, GeneratedTask

CHAIN = re.compile(r"[0-9]{1,9}(\+[0-9]{1,9})+=")


@dataclass(frozen=True, kw_only=True)
class ChainedSums(GeneratedTask):
    """Difficulty and cost: numbers to add. Chance: the commonest sum."""

    name: ClassVar[str] = "chained_sums"
    largest: int = option(9, help="the largest number in a chain", low=1, high=999)

    @property
    def difficulties(self) -> range:
        return range(2, 33)

    def draw(self, rng: random.Random, difficulty: int) -> Drawn:
        terms = [rng.randint(0, self.largest) for _ in range(difficulty)]
        return Drawn("+".join(map(str, terms)) + "=", str(sum(terms)))

    def solve(self, prompt: str) -> str | None:
        return str(sum(map(int, prompt[:-1].split("+")))) if CHAIN.fullmatch(prompt) else None

    def chance(self, difficulty: int) -> float:
        values = self.largest + 1
        return max(sums(difficulty, values)) / values**difficulty

    def cost(self, difficulty: int) -> int:
        return difficulty
