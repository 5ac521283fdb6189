"""Negation: a cipher written in zigzag."""


def rail_fence(text, rails):
    rows = ["" for _ in range(rails)]
    row, step = 0, 1
    for letter in text:
        rows[row] += letter
        if not 0 <= row + step < rails:
            step = -step
        row += step if rails > 1 else 0
    return "".join(rows)


# What follows is no part of the program.

ENTRY = "rail_fence"
CORRECT = "if not 0 <= row + step < rails:"
BROKEN = "if 0 <= row + step < rails:"
GIVEN = [
    (("", 2), ""),
    (("abc", 1), "abc"),
    (("abcd", 2), "acbd"),
    (("wearefound", 3), "wenerfudao"),
    (("ab", 3), "ab"),
]
HELD_OUT = [
    (("hello world", 4), "hwe olordll"),
    (("abcdefg", 2), "acegbdf"),
    (("xy", 1), "xy"),
    (("abcdefghij", 5), "aibhjcgdfe"),
]


def draw(rng):
    return "".join(rng.choice("abcdef") for _ in range(rng.randint(0, 12))), rng.randint(1, 5)
