"""Names of files, packages and classes, each once, the same for the same paper."""

import keyword
import re
import unicodedata

LONGEST = 40
PRIMES = {"'": "_prime", "*": "_star"}


def identifier(text: str, prefix: str = "paper") -> str:
    """Lower-case words joined by underscores that Python can import; empty where nothing is left."""
    plain = unicodedata.normalize("NFKD", text).encode("ascii", "ignore").decode()
    words = re.findall(r"[a-z0-9]+", plain.lower())
    name = ""
    for word in words:
        if name and len(name) + 1 + len(word) > LONGEST:
            break
        name = f"{name}_{word}" if name else word[:LONGEST]
    if name[:1].isdigit():
        name = f"{prefix}_{name}"
    return f"{name}_" if keyword.iskeyword(name) else name


def number(text: str) -> str:
    """An equation's number as a part of a name: `a_2`, `9a`, `4_prime`."""
    marked = "".join(PRIMES.get(letter, letter) for letter in text.lower())
    return re.sub(r"[^a-z0-9_]", "_", marked)


def class_name(text: str) -> str:
    """`TitansModel`, of the paper `titans`."""
    return "".join(word.capitalize() for word in identifier(text).split("_")) + "Model"


class Names:
    """Hands out names, each once; what is taken gets the fuller form, then a count."""

    def __init__(self, *taken: str) -> None:
        self._taken = set(taken)

    def take(self, *wishes: str) -> str:
        """The first wish that is not empty and not taken."""
        wanted = [wish for wish in wishes if wish]
        for wish in wanted:
            if wish not in self._taken:
                self._taken.add(wish)
                return wish
        count = 2
        while f"{wanted[-1]}_{count}" in self._taken:
            count += 1
        return self.take(f"{wanted[-1]}_{count}")
