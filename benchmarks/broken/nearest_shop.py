"""Squared: the nearest of many points."""


def nearest_shop(here, shops):
    x, y = here
    best, shortest = None, float("inf")
    for name, (east, north) in shops.items():
        distance = (east - x) ** 2 + (north - y) ** 2
        if distance < shortest:
            best, shortest = name, distance
    return best


# What follows is no part of the program.

ENTRY = "nearest_shop"
CORRECT = "(east - x) ** 2 + (north - y) ** 2"
BROKEN = "(east - x) ** 2 + (north - y)"
GIVEN = [
    (((0, 0), {}), None),
    (((0, 0), {"a": (1, 1)}), "a"),
    (((0, 0), {"a": (3, 0), "b": (1, 0)}), "b"),
    (((0, 0), {"a": (0, -5), "b": (1, 1)}), "b"),
    (((2, 2), {"a": (2, 6), "b": (5, 2)}), "b"),
]
HELD_OUT = [
    (((1, 1), {"a": (1, -9), "b": (1, 9), "c": (2, 1)}), "c"),
    (((5, 5), {"a": (0, 0), "b": (5, 1)}), "b"),
    (((0, 0), {"a": (-1, 2), "b": (2, -2)}), "a"),
]


def draw(rng):
    def place():
        return rng.randint(-6, 6), rng.randint(-6, 6)

    return place(), {name: place() for name in "abcd"[: rng.randint(0, 4)]}
