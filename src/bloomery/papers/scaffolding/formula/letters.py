"""Letters with their decorations and indices, also in formulas that cannot be read as a whole."""

from collections.abc import Iterator

from bloomery.papers.scaffolding.formula.tokens import pieces
from bloomery.papers.scaffolding.formula.tree import Letter, NotRead
from bloomery.papers.symbols import DECORATIONS, LETTERS, WORDS


def letters_in(latex: str) -> tuple[list[Letter], list[Letter]]:
    """The letters left and right of the first equals sign, also of a formula that cannot be read."""
    found = pieces(latex.replace(r"\\", " "))
    at = next(iter(equals_signs(found)), 0)
    return list(_loose(found[:at])), list(_loose(found[at + 1 :] if at else found))


def equals_signs(found: list[str]) -> list[int]:
    """Where the equals signs stand that are in no group, such as that of a sum's bound."""
    depth, places = 0, []
    for at, piece in enumerate(found):
        depth += {"{": 1, "}": -1}.get(piece, 0)
        if piece == "=" and not depth:
            places.append(at)
    return places


def _loose(found: list[str]) -> Iterator[Letter]:
    reader = LetterReader(found)
    while reader.at < len(found):
        before = reader.at
        try:
            letter = reader.letter()
        except NotRead:
            letter = None
        if letter is not None:
            yield letter
        elif reader.at == before:
            reader.at += 1


class LetterReader:
    """A place in a list of pieces."""

    def __init__(self, found: list[str]) -> None:
        self.found = found
        self.at = 0

    @property
    def next(self) -> str:
        return self.found[self.at] if self.at < len(self.found) else ""

    def take(self, expected: str = "") -> str:
        piece = self.next
        if not piece or (expected and piece != expected):
            raise NotRead(f"'{expected or 'more'}' was expected, and '{piece or 'the end'}' came")
        self.at += 1
        return piece

    def alone(self) -> Letter:
        """Nothing but a letter."""
        letter = self.letter()
        if letter is not None and self.next == "(" and self.found[-1] == ")":
            named = LetterReader([one for one in self.found[self.at + 1 : -1] if one not in ",;"])
            while named.next and named.letter():
                pass  # what a function is given is said again on the right
            self.at = self.at if named.next else len(self.found)
        if letter is None or self.next:
            raise NotRead("what stands left of the equals sign is more than a letter")
        return letter

    def script(self) -> list[str]:
        """The pieces of a group or the one piece after ^ or _."""
        if self.next != "{":
            return [self.take()]
        return self.group()

    def group(self) -> list[str]:
        self.take("{")
        start, depth = self.at, 1
        while depth:
            depth += {"{": 1, "}": -1}.get(self.take(), 0)
        return self.found[start : self.at - 1]

    def letter(self) -> Letter | None:
        """A letter with its decorations and indices; a superscript in parentheses is one."""
        decorations: list[str] = []
        while self.next.removeprefix("\\") in DECORATIONS and self.next.startswith("\\"):
            decorations.append(DECORATIONS[self.take().removeprefix("\\")])
        if self.next == "{" and decorations:
            inner = LetterReader(self.group()).alone()
            name, below = inner.name, inner.below
            decorations += inner.decorations
        else:
            name, below = self._name(), ""
        if not name:
            if decorations:
                raise NotRead("a decoration without a letter")
            return None
        above = ""
        while self.next in ("_", "'") or (self.next == "^" and self._is_index()):
            sign = self.take()
            if sign == "'":
                decorations.append("prime")
            elif sign == "_":
                below += _index(self.script())
            else:
                above = "".join(self.script())
        if r"\prime" in above or "*" in above:
            decorations.append("prime" if r"\prime" in above else "star")
            above = ""
        return Letter(name, tuple(decorations), below, above)

    def _name(self) -> str:
        piece = self.next
        if len(piece) == 1 and piece.isalpha():
            return self.take()
        word = piece.removeprefix("\\")
        if piece.startswith("\\") and word in LETTERS:
            self.take()
            return word
        if piece.startswith("\\") and word in WORDS:
            before = self.at
            self.take()
            name = "".join(self.script()) if self.next else ""
            if name.isalpha():
                return name
            self.at = before
        return ""

    def _is_index(self) -> bool:
        """Whether a superscript belongs to the name: `(l)`, a prime, a star."""
        after = self.found[self.at + 1 : self.at + 6]
        named = after[:2] == ["{", "("] and after[3:] == [")", "}"]
        return after[:1] in (["*"], [r"\prime"]) or after[:3] == ["{", r"\prime", "}"] or named


def _index(script: list[str]) -> str:
    """The text of a subscript, without fonts."""
    return "".join(
        piece.removeprefix("\\")
        for piece in script
        if piece not in ("{", "}", ",") and piece[1:] not in WORDS
    )
