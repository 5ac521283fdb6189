"""String literal: a calculator's scanner."""


def tokens(text):
    found = []
    number = ""
    for letter in text:
        if letter.isdigit():
            number += letter
            continue
        if number:
            found.append(int(number))
            number = ""
        if letter in "+-*/()":
            found.append(letter)
        elif letter != " ":
            raise ValueError(f"no such sign: {letter}")
    if number:
        found.append(int(number))
    return found


# What follows is no part of the program.

ENTRY = "tokens"
CORRECT = 'elif letter != " ":'
BROKEN = 'elif letter != "":'
GIVEN = [
    (("",), []),
    (("12",), [12]),
    (("3+4",), [3, "+", 4]),
    (("(7*80)/2",), ["(", 7, "*", 80, ")", "/", 2]),
    (("1 + 2",), [1, "+", 2]),
    (("  9",), [9]),
]
HELD_OUT = [
    (("10 - (2 * 3)",), [10, "-", "(", 2, "*", 3, ")"]),
    (("((4))",), ["(", "(", 4, ")", ")"]),
    (("5 5",), [5, 5]),
    (("-1",), ["-", 1]),
]


def draw(rng):
    return ("".join(rng.choice("0123 +-*()") for _ in range(rng.randint(0, 9))),)
