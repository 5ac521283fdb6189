"""Off by one: a matrix read from the outside to the inside."""


def spiral(rows):
    found = []
    top, bottom = 0, len(rows) - 1
    left, right = 0, len(rows[0]) - 1 if rows else -1
    while top <= bottom and left <= right:
        found.extend(rows[top][column] for column in range(left, right + 1))
        found.extend(rows[row][right] for row in range(top + 1, bottom + 1))
        if top < bottom and left < right:
            found.extend(rows[bottom][column] for column in range(right - 1, left - 1, -1))
            found.extend(rows[row][left] for row in range(bottom - 1, top, -1))
        top, bottom, left, right = top + 1, bottom - 1, left + 1, right - 1
    return found


# What follows is no part of the program.

ENTRY = "spiral"
CORRECT = "for row in range(top + 1, bottom + 1))"
BROKEN = "for row in range(top + 1, bottom))"
GIVEN = [
    (([],), []),
    (([[7]],), [7]),
    (([[1, 2], [3, 4]],), [1, 2, 4, 3]),
    (([[1, 2, 3], [4, 5, 6], [7, 8, 9]],), [1, 2, 3, 6, 9, 8, 7, 4, 5]),
    (([[1, 2, 3, 4]],), [1, 2, 3, 4]),
    (([[1], [2], [3]],), [1, 2, 3]),
]
HELD_OUT = [
    (([[1, 2, 3], [4, 5, 6]],), [1, 2, 3, 6, 5, 4]),
    (([[1, 2], [3, 4], [5, 6], [7, 8]],), [1, 2, 4, 6, 8, 7, 5, 3]),
    (([[1, 2, 3, 4], [5, 6, 7, 8], [9, 10, 11, 12]],), [1, 2, 3, 4, 8, 12, 11, 10, 9, 5, 6, 7]),
]


def draw(rng):
    width = rng.randint(1, 5)
    return ([[rng.randint(0, 99) for _ in range(width)] for _ in range(rng.randint(0, 5))],)
