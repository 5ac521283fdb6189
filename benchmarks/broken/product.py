"""Subscripts: matrices multiplied."""


def product(left, right):
    if len(left[0]) != len(right):
        raise ValueError("the inner sizes differ")
    rows = []
    for row in left:
        rows.append([])
        for column in range(len(right[0])):
            total = 0
            for place, value in enumerate(row):
                total += value * right[place][column]
            rows[-1].append(total)
    return rows


# What follows is no part of the program.

ENTRY = "product"
CORRECT = "value * right[place][column]"
BROKEN = "value * right[column][place]"
GIVEN = [
    (([[3]], [[4]]), [[12]]),
    (([[1, 0], [0, 1]], [[5, 6], [7, 8]]), [[5, 6], [7, 8]]),
    (([[1, 2], [3, 4]], [[0, 1], [1, 0]]), [[2, 1], [4, 3]]),
    (([[1, 2]], [[3], [4]]), [[11]]),
    (([[1, 2, 3]], [[1, 0], [0, 1], [2, 2]]), [[7, 8]]),
]
HELD_OUT = [
    (([[2], [3]], [[4, 5]]), [[8, 10], [12, 15]]),
    (([[1, 2], [3, 4]], [[1, 2], [3, 4]]), [[7, 10], [15, 22]]),
    (([[0, 0]], [[1, 9, 9], [1, 9, 9]]), [[0, 0, 0]]),
]


def draw(rng):
    rows, inner, columns = (rng.randint(1, 4) for _ in range(3))
    left = [[rng.randint(-5, 5) for _ in range(inner)] for _ in range(rows)]
    return left, [[rng.randint(-5, 5) for _ in range(columns)] for _ in range(inner)]
