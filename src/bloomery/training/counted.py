"""Uniform numbers by their coordinates: what an example draws depends on no other draw.

Source: Steele, Lea, Flood 2014, Fast Splittable Pseudorandom Number Generators (SplitMix64)
"""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

STEP = 0x9E3779B97F4A7C15
WORD = 2**64
Words = NDArray[np.uint64]


def uniform(seed: int, epoch: int, indices: Sequence[int], count: int) -> NDArray[np.float64]:
    """For each example `count` numbers in [0, 1), a function of seed, epoch and the example's index alone.

    Shapes: (len(indices), count)
    """
    first = mixed(mixed(_words([seed])) + _words([epoch]))
    keys = mixed(first + _words(indices))
    places = np.arange(1, count + 1, dtype=np.uint64) * np.uint64(STEP)
    return (mixed(keys[:, None] + places) >> np.uint64(11)).astype(np.float64) * 2.0**-53


def mixed(z: Words) -> Words:
    """SplitMix64's finaliser: each bit of what goes in turns about half of those that come out."""
    z = (z ^ (z >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    z = (z ^ (z >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return z ^ (z >> np.uint64(31))


def _words(numbers: Sequence[int]) -> Words:
    """Any whole numbers, negative ones too, as 64 bits. No number stands for itself: 0 would stay 0."""
    return np.array([(int(number) * STEP + STEP) % WORD for number in numbers], dtype=np.uint64)
