"""Prompts with their programs, drawn by seed from one side of the split."""

import random
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache

from bloomery.core.errors import ConfigError
from bloomery.diffusion.code.judging.program import LANGUAGES, Language, Program
from bloomery.diffusion.code.tasks.catalogue import OPERATIONS
from bloomery.diffusion.code.tasks.inputs import is_plain
from bloomery.diffusion.code.tasks.interpreting import MOST_DEPTH
from bloomery.diffusion.code.tasks.operation import PARAMETERS, Kind, Meaning, Operation, Step
from bloomery.diffusion.code.tasks.splitting import Side, side_of
from bloomery.diffusion.code.tasks.wording import word
from bloomery.diffusion.code.tasks.writing import write

DRAWS = 10_000


@dataclass(frozen=True, kw_only=True)
class Sample:
    """A prompt, what it means, and the canonical program for it."""

    prompt: str
    meaning: Meaning
    program: Program


def draw(
    count: int,
    *,
    seed: int,
    side: Side,
    depths: Sequence[int] = (1, 2, 3),
    languages: Sequence[Language] = LANGUAGES,
) -> list[Sample]:
    """Depths and languages in turn; prompts may repeat, as meanings of one step are few.

    Raises: ConfigError for a depth that the side does not have: single operations are never held out.
    """
    if not depths or any(depth not in range(1, MOST_DEPTH + 1) for depth in depths):
        raise ConfigError(f"depths are 1 to {MOST_DEPTH}; got {list(depths)}")
    if side == "test" and 1 in depths:
        raise ConfigError("single operations are never held out; draw depths 2 and 3 from the test side")
    rng = random.Random(f"samples {seed} {side}")
    found = []
    for place in range(count):
        meaning = compose(depths[place % len(depths)], side, rng)
        language = languages[place // len(depths) % len(languages)]
        found.append(Sample(prompt=word(meaning, rng), meaning=meaning, program=write(meaning, language)))
    return found


def compose(depth: int, side: Side, rng: random.Random, *, plain: bool = True) -> Meaning:
    """A meaning of this side: a walk over types, drawn again until it is one, and all its steps matter.

    Not `plain`: steps may be idle. That takes no time to find out, and does for training.
    """
    for _ in range(DRAWS):
        meaning = _walk(depth, rng)
        if side_of(meaning) == side and (not plain or is_plain(meaning)):
            return meaning
    raise ConfigError(f"no {side} composition of depth {depth} in {DRAWS:,} draws")


def _walk(depth: int, rng: random.Random) -> Meaning:
    steps: list[Step] = []
    kind = rng.choice(list(Kind))
    for _ in range(depth):
        operation = rng.choice(_taking(kind))
        k = rng.choice(PARAMETERS) if operation.has_parameter else None
        steps.append(Step(operation.name, k))
        kind = operation.gives
    return tuple(steps)


@cache
def _taking(kind: Kind) -> list[Operation]:
    return [operation for operation in OPERATIONS.values() if operation.takes is kind]
