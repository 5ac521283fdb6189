"""A task of one's own: what generates examples also scores them, and says what guessing would give."""

import random
from dataclasses import dataclass
from typing import ClassVar

from bloomery.tasks.splitting import split
from bloomery.tasks.task import Drawn, GeneratedTask


@dataclass(frozen=True)
class Reversal(GeneratedTask):
    """`3172=` is answered by `2713`. Difficulty and cost: digits. Chance: a palindrome needs no work."""

    name: ClassVar[str] = "reversal"

    @property
    def difficulties(self) -> range:
        return range(3, 9)

    def draw(self, rng: random.Random, difficulty: int) -> Drawn:
        digits = "".join(rng.choices("0123456789", k=difficulty))
        return Drawn(f"{digits}=", digits[::-1])

    def chance(self, difficulty: int) -> float:
        return 10.0 ** -(difficulty // 2)

    def cost(self, difficulty: int) -> int:
        return difficulty


train, test = split(Reversal(), seed=1, train=4, test=2, difficulties=[4, 6])
for example in test:
    print(example.prompt + example.answer, "chance", Reversal().chance(example.difficulty))
