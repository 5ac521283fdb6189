"""Tuple order: ways to tile a strip."""


def tilings(length):
    fewer, ways = 1, 1
    for _ in range(2, length + 1):
        fewer, ways = ways, ways + 2 * fewer
    return ways


# What follows is no part of the program.

ENTRY = "tilings"
CORRECT = "fewer, ways = ways, ways + 2 * fewer"
BROKEN = "fewer, ways = fewer, ways + 2 * fewer"
GIVEN = [
    ((0,), 1),
    ((1,), 1),
    ((2,), 3),
    ((3,), 5),
    ((5,), 21),
]
HELD_OUT = [
    ((4,), 11),
    ((6,), 43),
    ((10,), 683),
]


def draw(rng):
    return (rng.randint(0, 30),)
