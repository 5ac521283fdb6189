"""Bit operator: codes of which neighbours differ in one bit."""


def gray_codes(bits):
    return [format(number ^ (number >> 1), "b").zfill(bits) for number in range(1 << bits)]


def from_gray(code):
    value = 0
    for letter in code:
        value = value << 1 | int(letter) ^ (value & 1)
    return value


# What follows is no part of the program.

ENTRY = "from_gray"
CORRECT = "value << 1 | int(letter) ^ (value & 1)"
BROKEN = "value << 1 | int(letter) | (value & 1)"
GIVEN = [
    (("0",), 0),
    (("1",), 1),
    (("01",), 1),
    (("11",), 2),
    (("10",), 3),
    (("110",), 4),
    (("1010",), 12),
]
HELD_OUT = [
    (("111",), 5),
    (("1000",), 15),
    (("100110",), 59),
    (("000",), 0),
]


def draw(rng):
    return ("".join(rng.choice("01") for _ in range(rng.randint(1, 9))),)
