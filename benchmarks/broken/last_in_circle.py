"""Ingredient expression: counting out in a circle."""


def last_in_circle(names, count):
    left = list(names)
    place = 0
    while len(left) > 1:
        place = (place + count - 1) % len(left)
        left.pop(place)
    return left[0]


# What follows is no part of the program.

ENTRY = "last_in_circle"
CORRECT = "place = (place + count - 1) % len(left)"
BROKEN = "place = (place + count - 1) % len(names)"
GIVEN = [
    ((["a"], 3), "a"),
    ((["a", "b"], 2), "a"),
    ((["a", "b", "c"], 1), "c"),
    ((["a", "b", "c", "d", "e"], 2), "c"),
    ((["a", "b", "c", "d"], 3), "a"),
]
HELD_OUT = [
    ((["a", "b", "c", "d", "e", "f", "g"], 3), "d"),
    ((["x", "y", "z"], 5), "x"),
    ((["a", "b", "c", "d", "e", "f"], 4), "e"),
]


def draw(rng):
    return list("abcdefgh"[: rng.randint(1, 8)]), rng.randint(1, 9)
