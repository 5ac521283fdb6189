"""Any and all: meeting rooms and who is free."""


def is_free(busy, start, end):
    return all(end <= begins or start >= ends for begins, ends in busy)


def fits_everyone(calendars, length, day_end):
    for start in range(day_end - length + 1):
        if all(is_free(busy, start, start + length) for busy in calendars):
            return start
    return None


# What follows is no part of the program.

ENTRY = "fits_everyone"
CORRECT = "if all(is_free(busy"
BROKEN = "if any(is_free(busy"
GIVEN = [
    (([], 2, 8), 0),
    (([[(0, 3)]], 2, 8), 3),
    (([[(0, 3)], [(2, 5)]], 2, 8), 5),
    (([[(0, 3)], [(5, 8)]], 3, 8), None),
    (([[(0, 8)]], 1, 8), None),
]
HELD_OUT = [
    (([[(1, 2)], [(3, 4)], [(0, 1)]], 1, 6), 2),
    (([[(0, 4)], [(4, 8)]], 1, 8), None),
    (([[(0, 1), (2, 3)], [(4, 5)]], 2, 9), 5),
]


def draw(rng):
    def span():
        begins = rng.randint(0, 8)
        return begins, begins + rng.randint(1, 3)

    calendars = [[span() for _ in range(rng.randint(0, 2))] for _ in range(rng.randint(0, 3))]
    return calendars, rng.randint(1, 3), rng.randint(6, 12)
