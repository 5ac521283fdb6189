"""Wordings near to a text that is none."""

import random
from difflib import SequenceMatcher
from functools import cache
from heapq import nlargest

from bloomery.diffusion.code.tasks.catalogue import OPERATIONS
from bloomery.diffusion.code.tasks.operation import PARAMETERS, Step
from bloomery.diffusion.code.tasks.sampling import compose
from bloomery.diffusion.code.tasks.understanding import MOST_CHARACTERS, plain_text
from bloomery.diffusion.code.tasks.wording import ASKING, word, wordings

DRAWN = 2000  # prompts of two steps among those that are compared


def nearest(prompt: str, count: int = 3) -> list[str]:
    """Prompts that would be understood: those that share most words with this one, in its order."""
    words = plain_text(prompt[:MOST_CHARACTERS]).lower().split()
    compared = SequenceMatcher(b=words, autojunk=False)

    def likeness(known: str) -> tuple[float, int]:
        compared.set_seq1(known.split())
        return compared.ratio(), -len(known)

    return nlargest(count, _known(), key=likeness)


@cache
def _known() -> tuple[str, ...]:
    rng = random.Random("nearest")
    singles = [(Step(one.name, PARAMETERS[0] if one.has_parameter else None),) for one in OPERATIONS.values()]
    told = [text for one in singles for text in wordings(one) if not text.startswith(ASKING[1:])]
    drawn = [word(compose(2, "train", rng, plain=False), rng) for _ in range(DRAWN)]
    return tuple(dict.fromkeys([*told, *drawn]))
