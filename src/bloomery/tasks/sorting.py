"""Sorting: `3172=` is answered by `1237`."""

import random
import re
from dataclasses import dataclass
from math import comb
from typing import ClassVar

from bloomery.tasks.task import DIGITS, Drawn, GeneratedTask


@dataclass(frozen=True, kw_only=True)
class Sorting(GeneratedTask):
    """Difficulty and cost: digits to sort.

    Chance: the digits in the order in which they came, which is right for the C(d+9, d) of the 10^d prompts
    that are sorted already; a random order of them does neither better nor worse.
    """

    name: ClassVar[str] = "sorting"

    @property
    def difficulties(self) -> range:
        return range(2, 33)

    def draw(self, rng: random.Random, difficulty: int) -> Drawn:
        digits = rng.choices(DIGITS, k=difficulty)
        return Drawn(f"{''.join(digits)}=", "".join(sorted(digits)))

    def solve(self, prompt: str) -> str | None:
        return "".join(sorted(prompt[:-1])) if re.fullmatch("[0-9]+=", prompt) else None

    def chance(self, difficulty: int) -> float:
        values = len(DIGITS)
        return comb(difficulty + values - 1, difficulty) / values**difficulty

    def cost(self, difficulty: int) -> int:
        return difficulty
