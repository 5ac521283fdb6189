"""Slice bound: sums over a window."""


def moving_sums(values, width):
    if width <= 0:
        raise ValueError("a window has at least one value")
    sums = []
    for end in range(width, len(values) + 1):
        sums.append(sum(values[end - width : end]))
    return sums


# What follows is no part of the program.

ENTRY = "moving_sums"
CORRECT = "sum(values[end - width : end])"
BROKEN = "sum(values[end - width - 1 : end])"
GIVEN = [
    (([], 1), []),
    (([1, 2, 3], 1), [1, 2, 3]),
    (([1, 2, 3, 4], 2), [3, 5, 7]),
    (([5, 1, 1, 5], 4), [12]),
    (([1, 2], 3), []),
]
HELD_OUT = [
    (([3, 3, 3], 3), [9]),
    (([1, 10, 100, 1000], 2), [11, 110, 1100]),
    (([4, -4, 4, -4, 4], 3), [4, -4, 4]),
]


def draw(rng):
    return [rng.randint(-9, 9) for _ in range(rng.randint(0, 9))], rng.randint(1, 5)
