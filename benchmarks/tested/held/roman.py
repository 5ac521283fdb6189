"""Roman numerals from 1 to 3999."""

VALUES = [
    (1000, "M"), (900, "CM"), (500, "D"), (400, "CD"), (100, "C"), (90, "XC"), (50, "L"), (40, "XL"),
    (10, "X"), (9, "IX"), (5, "V"), (4, "IV"), (1, "I"),
]  # fmt: skip


def to_roman(number: int) -> str:
    if number < 1 or number > 3999:
        raise ValueError(f"{number}: 1 to 3999 was expected")
    parts = []
    for value, letters in VALUES:
        count = number // value
        parts.append(letters * count)
        number -= value * count
    return "".join(parts)


def from_roman(text: str) -> int:
    if not text:
        raise ValueError("an empty numeral")
    known = {"I": 1, "V": 5, "X": 10, "L": 50, "C": 100, "D": 500, "M": 1000}
    total = 0
    for place, letter in enumerate(text):
        value = known[letter]
        following = known[text[place + 1]] if place + 1 < len(text) else 0
        total += -value if value < following else value
    if to_roman(total) != text:
        raise ValueError(f"{text}: not written as numerals are")
    return total


def is_roman(text: str) -> bool:
    try:
        from_roman(text)
    except (ValueError, KeyError):
        return False
    return True
