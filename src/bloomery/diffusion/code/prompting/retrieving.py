"""The baseline that puts nothing together: the program of the nearest prompt that was seen."""

import math
from collections import Counter, defaultdict
from collections.abc import Sequence
from itertools import pairwise

from bloomery.diffusion.code.prompting.words import WORD
from bloomery.diffusion.code.tasks.understanding import plain_text


class Retrieval:
    """Prompts by cosine of their words and pairs of words, weighed by how rare they are (TF-IDF)."""

    def __init__(self, prompts: Sequence[str]) -> None:
        rows = [Counter(_terms(prompt)) for prompt in prompts]
        seen = Counter(term for row in rows for term in row)
        self.weight = {term: math.log((1 + len(rows)) / (1 + count)) + 1 for term, count in seen.items()}
        self.found: dict[str, list[tuple[int, float]]] = defaultdict(list)
        for place, row in enumerate(rows):
            for term, value in self._unit(row).items():
                self.found[term].append((place, value))

    def nearest(self, prompt: str) -> int:
        """The place of the nearest prompt, the first of equals."""
        scores: dict[int, float] = defaultdict(float)
        for term, value in self._unit(Counter(_terms(prompt))).items():
            for place, other in self.found.get(term, ()):
                scores[place] += value * other
        return max(scores, key=lambda place: (scores[place], -place), default=0)

    def _unit(self, row: Counter[str]) -> dict[str, float]:
        values = {term: count * self.weight.get(term, 0.0) for term, count in row.items()}
        norm = math.sqrt(sum(value * value for value in values.values())) or 1.0
        return {term: value / norm for term, value in values.items() if value}


def _terms(prompt: str) -> list[str]:
    words = WORD.findall(plain_text(prompt).lower())
    return [*words, *(f"{one} {other}" for one, other in pairwise(words))]
