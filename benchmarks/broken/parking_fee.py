"""If and elif: what parking costs."""


def parking_fee(minutes, weekend):
    if minutes <= 0:
        fee = 0
    elif minutes <= 30:
        fee = 1
    elif minutes <= 120:
        fee = 3
    else:
        fee = 3 + (minutes - 120 + 59) // 60
    if weekend:
        fee //= 2
    return min(fee, 12)


# What follows is no part of the program.

ENTRY = "parking_fee"
CORRECT = "    elif minutes <= 120:"
BROKEN = "    if minutes <= 120:"
GIVEN = [
    ((0, False), 0),
    ((10, False), 1),
    ((30, True), 0),
    ((31, False), 3),
    ((120, True), 1),
    ((121, False), 4),
    ((500, True), 5),
    ((2000, False), 12),
]
HELD_OUT = [
    ((-5, False), 0),
    ((1, True), 0),
    ((30, False), 1),
    ((60, True), 1),
    ((180, False), 4),
    ((181, False), 5),
]


def draw(rng):
    return rng.randint(-10, 900) if rng.random() < 0.5 else rng.randint(0, 60), rng.random() < 0.5
