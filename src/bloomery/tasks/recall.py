"""Associative recall: `a3b7c1?b` is answered by `7`."""

import random
import re
from dataclasses import dataclass
from functools import cache
from itertools import product
from typing import ClassVar, Literal

from bloomery.core.config import option
from bloomery.tasks.counting import expected_largest_count
from bloomery.tasks.task import DIGITS, LETTERS, Drawn, GeneratedTask

MOST_PAIRS = {1: 26, 2: 256}


@dataclass(frozen=True, kw_only=True)
class Recall(GeneratedTask):
    """Difficulty: key-value pairs shown. Cost: characters of the pairs, which bounds the distance.

    A question ends in a key, so that its answer is what followed that key before. With more questions than
    one, those before the last are answered in the prompt (`a3b7c1?b7?a`), each about another key: denser
    training for the same sequence. Chance: the value shown most often among the pairs that may still be
    asked for, which needs no look at the key.
    """

    name: ClassVar[str] = "recall"
    key_length: int = option(1, help="letters in a key; 2 allows up to 256 pairs", low=1, high=2)
    ask: Literal["any", "oldest"] = option(
        "any", help="which pairs are asked for: any, or the older half (far from the questions)"
    )
    questions: int = option(1, help="questions, no more than pairs that may be asked for", low=1, high=64)

    @property
    def difficulties(self) -> range:
        return range(2, MOST_PAIRS[self.key_length] + 1)

    def draw(self, rng: random.Random, difficulty: int) -> Drawn:
        keys = rng.sample(_keys(self.key_length), difficulty)
        values = rng.choices(DIGITS, k=difficulty)
        prompt = "".join(key + value for key, value in zip(keys, values, strict=True))
        *before, last = rng.sample(range(self._candidates(difficulty)), self._asked(difficulty))
        worked = []
        for pair in before:
            prompt += f"?{keys[pair]}{values[pair]}"
            worked.append((len(prompt) - 1, len(prompt)))
        return Drawn(f"{prompt}?{keys[last]}", values[last], tuple(worked))

    def solve(self, prompt: str) -> str | None:
        key = f"[a-z]{{{self.key_length}}}"
        if not re.fullmatch(rf"({key}[0-9])+(\?{key}[0-9])*\?{key}", prompt):
            return None
        shown, *answered = prompt[: -self.key_length - 1].split("?")
        pairs = re.findall(f"({key})([0-9])", shown)
        known, told = dict(pairs), {(one[:-1], one[-1]) for one in answered}
        sound = len(known) == len(pairs) and told <= known.items()
        return known.get(prompt[-self.key_length :]) if sound else None

    def chance(self, difficulty: int) -> float:
        left = self._candidates(difficulty) - self._asked(difficulty) + 1
        return expected_largest_count(left, len(DIGITS)) / left

    def cost(self, difficulty: int) -> int:
        return difficulty * (self.key_length + 1)

    def _candidates(self, difficulty: int) -> int:
        return difficulty if self.ask == "any" else difficulty // 2

    def _asked(self, difficulty: int) -> int:
        return min(self.questions, self._candidates(difficulty))


@cache
def _keys(length: int) -> tuple[str, ...]:
    return tuple("".join(letters) for letters in product(LETTERS, repeat=length))
