"""Clamp: counts in bins of equal width."""


def histogram(values, low, high, bins):
    counts = [0] * bins
    width = (high - low) / bins
    for value in values:
        if low <= value <= high:
            place = min(int((value - low) / width), bins - 1)
            counts[place] += 1
    return counts


# What follows is no part of the program.

ENTRY = "histogram"
CORRECT = "place = min(int((value - low) / width), bins - 1)"
BROKEN = "place = int((value - low) / width)"
GIVEN = [
    (([], 0, 4, 2), [0, 0]),
    (([0, 1, 2, 3], 0, 4, 4), [1, 1, 1, 1]),
    (([4, 4, 1], 0, 4, 2), [1, 2]),
    (([-1, 9, 2], 0, 8, 2), [1, 0]),
    (([0, 5, 10], 0, 10, 5), [1, 0, 1, 0, 1]),
]
HELD_OUT = [
    (([6, 6, 0], 0, 6, 3), [1, 0, 2]),
    (([3], 0, 3, 1), [1]),
    (([1, 2, 8, 8, 9], 0, 8, 8), [0, 1, 1, 0, 0, 0, 0, 2]),
]


def draw(rng):
    bins = rng.choice([1, 2, 4])
    return [rng.randint(-2, 10) for _ in range(rng.randint(0, 9))], 0, rng.choice([4, 8]), bins
