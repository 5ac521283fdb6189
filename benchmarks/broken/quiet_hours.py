"""Two edits: the first and the last hour below a limit."""


def quiet_hours(loads, limit):
    first, last = 0, len(loads) - 1
    while first <= last and loads[first] > limit:
        first += 1
    while last >= first and loads[last] > limit:
        last -= 1
    return first, last + 1


# What follows is no part of the program.

ENTRY = "quiet_hours"
CORRECT = "    first, last = 0, len(loads) - 1\n"
BROKEN = "    first, last = 1, len(loads) - 2\n"
GIVEN = [
    (([], 3), (0, 0)),
    (([1], 3), (0, 1)),
    (([9, 1, 2, 9], 3), (1, 3)),
    (([1, 9, 1], 3), (0, 3)),
    (([9, 9], 3), (2, 2)),
]
HELD_OUT = [
    (([5, 4, 3, 2, 1], 2), (3, 5)),
    (([1, 2, 3, 4, 5], 2), (0, 2)),
    (([3], 2), (1, 1)),
    (([0, 0, 0], 0), (0, 3)),
]


def draw(rng):
    return [rng.randint(0, 9) for _ in range(rng.randint(0, 8))], rng.randint(0, 9)
