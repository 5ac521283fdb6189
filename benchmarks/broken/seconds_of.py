"""Scaled constant: lengths of time as people write them."""

SECONDS = {"h": 3600, "m": 60, "s": 1}


def seconds_of(text):
    total, number = 0, 0
    for letter in text:
        if letter.isdigit():
            number = number * 10 + int(letter)
        else:
            total += number * SECONDS[letter]
            number = 0
    return total


# What follows is no part of the program.

ENTRY = "seconds_of"
CORRECT = '"h": 3600'
BROKEN = '"h": 360'
GIVEN = [
    (("",), 0),
    (("45s",), 45),
    (("3m",), 180),
    (("1h",), 3600),
    (("2h30m",), 9000),
    (("10m5s",), 605),
]
HELD_OUT = [
    (("24h",), 86400),
    (("1h1m1s",), 3661),
    (("0h",), 0),
    (("7h59s",), 25259),
]


def draw(rng):
    return ("".join(f"{rng.randint(0, 99)}{unit}" for unit in "hms" if rng.random() < 0.6),)
