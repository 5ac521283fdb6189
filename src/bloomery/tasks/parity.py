"""Parity: `10110=` is answered by `1`, for an odd number of ones."""

import random
import re
from dataclasses import dataclass
from typing import ClassVar

from bloomery.tasks.task import Drawn, GeneratedTask


@dataclass(frozen=True, kw_only=True)
class Parity(GeneratedTask):
    """Difficulty and cost: bits. Chance: either answer, always."""

    name: ClassVar[str] = "parity"

    @property
    def difficulties(self) -> range:
        return range(2, 65)

    def draw(self, rng: random.Random, difficulty: int) -> Drawn:
        bits = "".join(rng.choices("01", k=difficulty))
        return Drawn(f"{bits}=", str(bits.count("1") % 2))

    def solve(self, prompt: str) -> str | None:
        return str(prompt.count("1") % 2) if re.fullmatch("[01]+=", prompt) else None

    def chance(self, difficulty: int) -> float:
        return 0.5

    def cost(self, difficulty: int) -> int:
        return difficulty
