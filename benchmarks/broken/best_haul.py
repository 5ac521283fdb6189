"""Off by one: what a thief carries, each thing once."""


def best_haul(things, room):
    best = [0] * (room + 1)
    for weight, value in things:
        for load in range(room, weight - 1, -1):
            best[load] = max(best[load], best[load - weight] + value)
    return best[room]


# What follows is no part of the program.

ENTRY = "best_haul"
CORRECT = "range(room, weight - 1, -1)"
BROKEN = "range(room, weight, -1)"
GIVEN = [
    (([], 5), 0),
    (([(3, 4)], 5), 4),
    (([(5, 9)], 5), 9),
    (([(2, 3), (3, 4), (4, 5)], 5), 7),
    (([(1, 1), (2, 6), (5, 9)], 6), 10),
]
HELD_OUT = [
    (([(4, 7)], 4), 7),
    (([(1, 5), (1, 6)], 1), 6),
    (([(2, 2), (2, 2), (2, 2)], 4), 4),
    (([(6, 1)], 3), 0),
]


def draw(rng):
    return [(rng.randint(1, 6), rng.randint(1, 9)) for _ in range(rng.randint(0, 5))], rng.randint(0, 10)
