"""Comparison: Roman numerals."""

NUMERALS = [
    (1000, "M"),
    (900, "CM"),
    (500, "D"),
    (400, "CD"),
    (100, "C"),
    (90, "XC"),
    (50, "L"),
    (40, "XL"),
    (10, "X"),
    (9, "IX"),
    (5, "V"),
    (4, "IV"),
    (1, "I"),
]


def to_roman(number):
    written = ""
    for value, letters in NUMERALS:
        while number >= value:
            written += letters
            number -= value
    return written


# What follows is no part of the program.

ENTRY = "to_roman"
CORRECT = "while number >= value:"
BROKEN = "while number > value:"
GIVEN = [
    ((0,), ""),
    ((3,), "III"),
    ((8,), "VIII"),
    ((14,), "XIV"),
    ((1994,), "MCMXCIV"),
    ((2768,), "MMDCCLXVIII"),
]
HELD_OUT = [
    ((1,), "I"),
    ((4,), "IV"),
    ((40,), "XL"),
    ((90,), "XC"),
    ((1000,), "M"),
    ((3999,), "MMMCMXCIX"),
]


def draw(rng):
    return (rng.randint(1, 3999),)
