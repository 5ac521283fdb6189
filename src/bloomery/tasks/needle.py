"""A needle in a haystack: `qwe#7rtyuiop#` is answered by `7`."""

import random
import re
from dataclasses import dataclass
from typing import ClassVar

from bloomery.core.config import option
from bloomery.tasks.task import DIGITS, LETTERS, Drawn, GeneratedTask


@dataclass(frozen=True, kw_only=True)
class Needle(GeneratedTask):
    """Difficulty: blocks of straw (letters) around one marked digit. Cost: letters of straw.

    The digit stands at an even chance anywhere in the straw. Chance: any one digit, always.
    """

    name: ClassVar[str] = "needle"
    block: int = option(8, help="letters of straw for one step of difficulty", low=1, high=1024)

    @property
    def difficulties(self) -> range:
        return range(1, 65)

    def draw(self, rng: random.Random, difficulty: int) -> Drawn:
        straw = "".join(rng.choices(LETTERS, k=self.cost(difficulty)))
        digit = rng.choice(DIGITS)
        at = rng.randrange(len(straw) + 1)
        return Drawn(f"{straw[:at]}#{digit}{straw[at:]}#", digit)

    def solve(self, prompt: str) -> str | None:
        found = re.fullmatch("[a-z]*#([0-9])[a-z]*#", prompt)
        return found[1] if found else None

    def chance(self, difficulty: int) -> float:
        return 1 / len(DIGITS)

    def cost(self, difficulty: int) -> int:
        return self.block * difficulty
