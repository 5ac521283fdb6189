"""Inserted assignment: the longest row of good days."""


def longest_streak(days, goal):
    longest = streak = 0
    for steps in days:
        if steps >= goal:
            streak += 1
            longest = max(longest, streak)
        else:
            streak = 0
    return longest


# What follows is no part of the program.

ENTRY = "longest_streak"
CORRECT = "        else:\n            streak = 0\n"
BROKEN = ""
GIVEN = [
    (([], 5), 0),
    (([5, 6, 7], 5), 3),
    (([1, 9, 1, 9], 5), 1),
    (([9, 9, 1, 9], 5), 2),
    (([1, 2], 5), 0),
]
HELD_OUT = [
    (([7, 1, 7, 7, 1, 7, 7, 7], 7), 3),
    (([3, 3, 0, 3], 3), 2),
    (([0, 5], 5), 1),
]


def draw(rng):
    return [rng.randint(0, 9) for _ in range(rng.randint(0, 12))], rng.randint(1, 9)
