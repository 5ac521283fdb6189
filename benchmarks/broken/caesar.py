"""Modulus: shift cipher."""

ALPHABET = "abcdefghijklmnopqrstuvwxyz"


def caesar(text, shift):
    written = []
    for letter in text:
        if letter in ALPHABET:
            written.append(ALPHABET[(ALPHABET.index(letter) + shift) % 26])
        else:
            written.append(letter)
    return "".join(written)


# What follows is no part of the program.

ENTRY = "caesar"
CORRECT = "ALPHABET[(ALPHABET.index(letter) + shift) % 26]"
BROKEN = "ALPHABET[ALPHABET.index(letter) + shift]"
GIVEN = [
    (("abc", 1), "bcd"),
    (("hello, world", 3), "khoor, zruog"),
    (("xyz", 3), "abc"),
    (("bcd", -1), "abc"),
    (("", 5), ""),
]
HELD_OUT = [
    (("zebra", 13), "mroen"),
    (("mop", 26), "mop"),
    (("Why?", 30), "Wlc?"),
    (("abc", -3), "xyz"),
]


def draw(rng):
    text = "".join(rng.choice("abcmxyz ,") for _ in range(rng.randint(0, 8)))
    return text, rng.randint(-30, 60)
