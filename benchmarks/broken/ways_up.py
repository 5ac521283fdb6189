"""Nested literal: all ways of climbing stairs."""


def ways_up(steps, strides):
    ways = [[] for _ in range(steps + 1)]
    ways[0] = [[]]
    for height in range(1, steps + 1):
        for stride in strides:
            if stride <= height:
                ways[height] += [[*way, stride] for way in ways[height - stride]]
    return ways[steps]


# What follows is no part of the program.

ENTRY = "ways_up"
CORRECT = "ways[0] = [[]]"
BROKEN = "ways[0] = []"
GIVEN = [
    ((1, [1]), [[1]]),
    ((3, [1, 2]), [[1, 1, 1], [2, 1], [1, 2]]),
    ((2, [3]), []),
    ((4, [2]), [[2, 2]]),
    ((4, [1, 3]), [[1, 1, 1, 1], [3, 1], [1, 3]]),
]
HELD_OUT = [
    ((0, [1]), [[]]),
    ((5, [2, 3]), [[3, 2], [2, 3]]),
    (
        (5, [1, 2]),
        [
            [1, 1, 1, 1, 1],
            [2, 1, 1, 1],
            [1, 2, 1, 1],
            [1, 1, 2, 1],
            [2, 2, 1],
            [1, 1, 1, 2],
            [2, 1, 2],
            [1, 2, 2],
        ],
    ),
    ((3, [4]), []),
]


def draw(rng):
    return rng.randint(0, 6), rng.sample(range(1, 5), rng.randint(1, 3))
