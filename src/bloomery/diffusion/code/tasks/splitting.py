"""Which compositions are held out: pairs and triples of operations, whatever their parameters.

A pair or triple is held out by its own hash, one of eight; a triple also where a pair within it is, which
makes it one of three. Single operations are always for training: what is tested is putting them together.
"""

from collections.abc import Sequence
from hashlib import sha256
from itertools import pairwise
from typing import Literal

from bloomery.diffusion.code.tasks.operation import Meaning

Side = Literal["train", "test"]
HELD_OUT_OF_256 = 32


def side_of(meaning: Meaning) -> Side:
    """The side on which every composition of the same operations lies."""
    names = [step.name for step in meaning]
    parts = [names, *map(list, pairwise(names))] if len(names) > 1 else []
    return "test" if any(map(_held_out, parts)) else "train"


def _held_out(names: Sequence[str]) -> bool:
    return sha256(" | ".join(names).encode()).digest()[0] < HELD_OUT_OF_256
