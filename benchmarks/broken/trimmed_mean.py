"""Call wrapped: means without the outermost values."""


def trimmed_mean(values, share):
    ordered = sorted(values)
    cut = int(len(ordered) * share)
    kept = ordered[cut : len(ordered) - cut]
    return sum(kept) / len(kept)


# What follows is no part of the program.

ENTRY = "trimmed_mean"
CORRECT = "ordered = sorted(values)"
BROKEN = "ordered = values"
GIVEN = [
    (([4], 0.1), 4.0),
    (([1, 2, 3, 4], 0.25), 2.5),
    (([9, 1, 5, 5, 100], 0.2), 6.333333333333333),
    (([3, 1, 2], 0.0), 2.0),
    (([10, 0, 4, 6], 0.25), 5.0),
]
HELD_OUT = [
    (([8, 2, 6, 4, 100, -50], 0.2), 5.0),
    (([5, 5, 1], 0.34), 5.0),
    (([1, 100], 0.4), 50.5),
    (([7, 7, 0, 7, 30, 9, 8, 7, 1, 2], 0.3), 7.0),
]


def draw(rng):
    return [rng.randint(-9, 9) for _ in range(rng.randint(1, 9))], rng.choice([0.0, 0.1, 0.2, 0.25, 0.4])
