"""All the prompts of a meaning: nested names of its result, or a row of things to do."""

import random
from collections.abc import Iterator, Sequence
from itertools import product

from bloomery.diffusion.code.tasks.interpreting import operations
from bloomery.diffusion.code.tasks.operation import Meaning, Operation, Step

ASKING = ("return", "compute", "find", "write a function that returns")
TAKING = ("take", "given", "start with")
GIVING = "and return the result"
NEXT = ", then "
SHORT = ", "


def wordings(meaning: Meaning) -> Iterator[str]:
    """Every prompt that means this, each once."""
    found = operations(meaning)
    for asking, name in product(ASKING, _names(found, meaning)):
        yield f"{asking} {name}"
    for taking, between in product(TAKING, (NEXT, SHORT) if len(meaning) > 1 else (NEXT,)):
        for row in product(*(one.clauses for one in found)):
            told = between.join(_filled(clause, step) for clause, step in zip(row, meaning, strict=True))
            yield f"{taking} {found[0].takes}, {told} {GIVING}"


def word(meaning: Meaning, rng: random.Random) -> str:
    """One of the prompts, both styles equally likely."""
    return rng.choice(list(wordings(meaning))) if len(meaning) == 1 else _drawn(meaning, rng)


def _drawn(meaning: Meaning, rng: random.Random) -> str:
    found = operations(meaning)
    if rng.random() < 0.5:
        return f"{rng.choice(ASKING)} {rng.choice(list(_names(found, meaning)))}"
    between = rng.choice((NEXT, SHORT))
    told = between.join(
        _filled(rng.choice(one.clauses), step) for one, step in zip(found, meaning, strict=True)
    )
    return f"{rng.choice(TAKING)} {found[0].takes}, {told} {GIVING}"


def _names(found: Sequence[Operation], meaning: Meaning) -> Iterator[str]:
    """From the outermost, which is the last step, inwards."""
    *_, last = found
    if len(found) == 1:
        yield from (_filled(given, meaning[0]) for given in last.given)
        inner: Sequence[str] = (str(last.takes),)
    else:
        inner = tuple(_names(found[:-1], meaning[:-1]))
    for noun, name in product(last.nouns, inner):
        yield f"{_filled(noun, meaning[-1])} {name}"


def _filled(text: str, step: Step) -> str:
    return text.replace("%", str(step.k))
