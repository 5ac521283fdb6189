"""Constant: check digits of card numbers."""


def luhn_is_valid(number):
    total = 0
    for place, letter in enumerate(reversed(number)):
        digit = int(letter)
        if place % 2 == 1:
            digit *= 2
            if digit > 9:
                digit -= 9
        total += digit
    return total % 10 == 0


# What follows is no part of the program.

ENTRY = "luhn_is_valid"
CORRECT = "digit -= 9"
BROKEN = "digit -= 10"
GIVEN = [
    (("0",), True),
    (("18",), True),
    (("4539578763621486",), True),
    (("79927398713",), True),
    (("79927398710",), False),
    (("8273123273520569",), False),
    (("59",), True),
]
HELD_OUT = [
    (("26",), True),
    (("27",), False),
    (("4111111111111111",), True),
    (("5500005555555559",), True),
    (("5500005555555550",), False),
    (("91",), True),
]


def draw(rng):
    return ("".join(rng.choice("0123456789") for _ in range(rng.randint(1, 8))),)
