"""\\if...\\else...\\fi: a document's own switches are followed, tests of TeX's state are not."""

from bloomery.papers.reading.tex.input import Input
from bloomery.papers.reading.tex.tokens import END_OF_FILE, Token

_PRIMITIVE = frozenset(
    f"\\if{name}"
    for name in [
        "x",
        "num",
        "dim",
        "odd",
        "case",
        "mmode",
        "vmode",
        "hmode",
        "inner",
        "cat",
        "void",
        "hbox",
        "vbox",
        "eof",
        "defined",
        "csname",
        "true",
        "false",
    ]
) | {"\\if"}
_IN_MATHS = "\\ifmmode"  # what it guards is wanted as mathematics


class Conditions:
    """The switches that a document declares by \\newif, and their states."""

    def __init__(self) -> None:
        self._states: dict[str, bool] = {"\\iftrue": True, "\\iffalse": False, _IN_MATHS: True}

    def declare(self, name: str) -> None:
        self._states.setdefault(name, False)

    def sets(self, text: str) -> bool:
        """Whether this is \\footrue or \\foofalse of a declared \\iffoo, whose state it then is."""
        for ending, state in (("true", True), ("false", False)):
            name = f"\\if{text[1:].removesuffix(ending)}"
            if text.startswith("\\") and text.endswith(ending) and name in self._states and len(name) > 3:
                self._states[name] = state
                return True
        return False

    def opens(self, text: str) -> bool:
        return text in self._states or text in _PRIMITIVE

    def follow(self, source: Input, at: Token) -> None:
        """After an \\if: go on in the branch that holds; of a test that is not read, the first."""
        state = self._states.get(at.text)
        if state is None:
            if at.text == "\\ifx":
                source.argument(), source.argument()
            message = f"{at.text} asks for the state of TeX: its first branch is read, the other left out"
            source.report(at, "condition", message)
        if state is False:
            self.skip(source, at, or_else=True)

    def skip(self, source: Input, at: Token, *, or_else: bool = False) -> None:
        """Drop all up to the \\fi that belongs here, or to its \\else."""
        depth = 0
        while source.peek() not in ("", END_OF_FILE):
            token = source.pop()
            assert token is not None
            if (token.text == "\\fi" and not depth) or (or_else and token.text == "\\else" and not depth):
                return
            depth += self.opens(token.text) - (token.text == "\\fi")
        source.report(at, "condition", f"{at.text} has no \\fi: the rest of its file is left out", error=True)
