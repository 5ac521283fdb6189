"""Clamp: overlapping spans joined."""


def merged_spans(spans):
    merged = []
    for start, end in sorted(spans):
        if merged and start <= merged[-1][1]:
            merged[-1][1] = max(merged[-1][1], end)
        else:
            merged.append([start, end])
    return merged


# What follows is no part of the program.

ENTRY = "merged_spans"
CORRECT = "merged[-1][1] = max(merged[-1][1], end)"
BROKEN = "merged[-1][1] = end"
GIVEN = [
    (([],), []),
    (([[1, 3], [2, 6], [8, 10]],), [[1, 6], [8, 10]]),
    (([[1, 9], [2, 3], [5, 7]],), [[1, 9]]),
    (([[4, 5], [1, 4]],), [[1, 5]]),
]
HELD_OUT = [
    (([[1, 2], [3, 4]],), [[1, 2], [3, 4]]),
    (([[0, 10], [1, 2], [11, 12], [10, 11]],), [[0, 12]]),
    (([[5, 6], [5, 9], [5, 7]],), [[5, 9]]),
]


def draw(rng):
    starts = [rng.randint(0, 20) for _ in range(rng.randint(0, 7))]
    return ([[start, start + rng.randint(0, 8)] for start in starts],)
