"""What stands before an answer when a model is examined: nothing, its thought, or what only looks like one.

A thought counts only if the answer needs what it says. One of another example, or its own tokens in another
order, has the same form; filler has the same length, and so the same computation.
"""

import random
from collections.abc import Mapping, Sequence
from typing import Literal, get_args

from bloomery.core.errors import ConfigError
from bloomery.tasks.task import Example

Condition = Literal["without", "own", "shuffled", "permuted", "filler"]
CONDITIONS: tuple[Condition, ...] = get_args(Condition)
Ids = Sequence[int]


def conditioned(
    examples: Sequence[Example], thoughts: Sequence[Ids], filler: Ids, rng: random.Random
) -> Mapping[Condition, list[Ids | None]]:
    """For each example the tokens to think, under each condition; None where it is not to think at all."""
    partners = _partners(examples, rng)
    return {
        "without": [None] * len(examples),
        "own": list(thoughts),
        "shuffled": [thoughts[partner] for partner in partners],
        "permuted": [rng.sample(list(ids), len(ids)) for ids in thoughts],
        "filler": [[*filler] * len(ids) for ids in thoughts],
    }


def _partners(examples: Sequence[Example], rng: random.Random) -> list[int]:
    """For each example another one, as hard where there is one.

    Raises: ConfigError for a lone example.
    """
    if len(examples) < 2:
        raise ConfigError("one example has no other's thought to be given; examine two or more of a task")
    order = sorted(range(len(examples)), key=lambda at: (examples[at].difficulty, rng.random()))
    levels = [examples[at].difficulty for at in order]
    groups = [[at for at in order if examples[at].difficulty == level] for level in dict.fromkeys(levels)]
    rings = groups if min(map(len, groups)) > 1 else [order]
    after = {at: ring[(place + 1) % len(ring)] for ring in rings for place, at in enumerate(ring)}
    return [after[at] for at in range(len(examples))]
