"""Inserted append: run-length encoding."""


def run_lengths(text):
    runs = []
    current, count = None, 0
    for letter in text:
        if letter == current:
            count += 1
            continue
        if current is not None:
            runs.append((current, count))
        current, count = letter, 1
    if current is not None:
        runs.append((current, count))
    return runs


# What follows is no part of the program.

ENTRY = "run_lengths"
CORRECT = (
    "        current, count = letter, 1\n    if current is not None:\n        runs.append((current, count))\n"
)
BROKEN = "        current, count = letter, 1\n"
GIVEN = [
    (("",), []),
    (("a",), [("a", 1)]),
    (("aab",), [("a", 2), ("b", 1)]),
    (("abba",), [("a", 1), ("b", 2), ("a", 1)]),
    (("zzzz",), [("z", 4)]),
]
HELD_OUT = [
    (("xyz",), [("x", 1), ("y", 1), ("z", 1)]),
    (("aabbaa",), [("a", 2), ("b", 2), ("a", 2)]),
    (("qqqqr",), [("q", 4), ("r", 1)]),
]


def draw(rng):
    return ("".join(rng.choice("ab") for _ in range(rng.randint(0, 10))),)
