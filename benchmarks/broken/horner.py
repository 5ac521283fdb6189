"""Dropped operand: polynomials by Horner's rule."""


def horner(coefficients, x):
    value = 0
    for coefficient in coefficients:
        value = value * x + coefficient
    return value


def turning_points(coefficients, points):
    degree = len(coefficients) - 1
    slope = [c * (degree - place) for place, c in enumerate(coefficients[:-1])]
    return [x for x in points if horner(slope, x) == 0]


# What follows is no part of the program.

ENTRY = "turning_points"
CORRECT = "c * (degree - place) for"
BROKEN = "c * degree for"
GIVEN = [
    (([1, 0, 0], [-1, 0, 1]), [0]),
    (([1, -4, 0], [1, 2, 4]), [2]),
    (([1, 0, -3, 0], [-1, 0, 1, 2]), [-1, 1]),
    (([5], [3]), [3]),
    (([1, 3, 3, 1], [-1, 1]), [-1]),
]
HELD_OUT = [
    (([2, -8, 1], [2, 4]), [2]),
    (([1, 0, -12, 5], [-2, 2, 0]), [-2, 2]),
    (([1, -6, 9, 1], [1, 3]), [1, 3]),
    (([3, 1], [0]), []),
]


def draw(rng):
    if rng.random() < 0.5:
        near, far = rng.randint(-3, 3), rng.randint(-3, 3)
        coefficients = [2, -3 * (near + far), 6 * near * far, rng.randint(-3, 3)]
    else:
        coefficients = [rng.randint(-3, 3) for _ in range(rng.randint(1, 4))]
    return coefficients, list(range(-4, 5))
