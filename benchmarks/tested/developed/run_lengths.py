"""Run lengths."""


def encode(text: str) -> list[tuple[str, int]]:
    """Pairs of a character and its count."""
    found: list[tuple[str, int]] = []
    for letter in text:
        if found and found[-1][0] == letter:
            found[-1] = (letter, found[-1][1] + 1)
        else:
            found.append((letter, 1))
    return found


def decode(pairs: list[tuple[str, int]]) -> str:
    """Source: runs eq. 2"""
    return "".join(letter * count for letter, count in pairs)


def tidy(text: str) -> str:
    return " ".join(text.split())
