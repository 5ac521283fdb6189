"""Counters as LaTeX keeps them: which resets which, and how each is printed."""

import itertools
import re

LEVELS = ("chapter", "section", "subsection", "subsubsection", "paragraph")
_ROMAN = (
    (1000, "m"), (900, "cm"), (500, "d"), (400, "cd"), (100, "c"), (90, "xc"), (50, "l"), (40, "xl"),
    (10, "x"), (9, "ix"), (5, "v"), (4, "iv"), (1, "i"),
)  # fmt: skip
_STYLES = "arabic|alph|Alph|roman|Roman|fnsymbol"


class Counters:
    """Values, formats, and within which counter each one starts anew."""

    def __init__(self) -> None:
        self.values = dict.fromkeys(("part", "equation", "figure", "table", "algorithm", *LEVELS), 0)
        self.formats = {name: f"\\arabic{{{name}}}" for name in self.values}
        self.within: dict[str, str] = {}
        self.depth = 3  # secnumdepth: of sections, the deepest with a number
        self.has_chapters = False
        for outer, inner in itertools.pairwise(LEVELS[1:]):
            self.number_within(inner, outer)

    def use_chapters(self) -> None:
        """As the classes report and book do."""
        self.has_chapters, self.depth = True, 2
        for name in ("section", "equation", "figure", "table"):
            self.number_within(name, "chapter")

    def number_within(self, inner: str, outer: str) -> None:
        self.within[inner] = outer
        self.formats[inner] = f"\\the{outer}.\\arabic{{{inner}}}"

    def new(self, name: str, within: str = "") -> None:
        self.values[name], self.formats[name] = 0, f"\\arabic{{{name}}}"
        if within:
            self.within[name] = within

    def step(self, name: str) -> str:
        """One more; what is counted within it starts anew."""
        self.put(name, self.values.get(name, 0) + 1)
        return self.printed(name)

    def put(self, name: str, value: int) -> None:
        if name == "secnumdepth":
            self.depth = value
            return
        if name not in self.values:
            self.new(name)
        is_step = value == self.values[name] + 1
        self.values[name] = value
        if is_step:
            self._reset_below(name)

    def appendix(self) -> None:
        """From here on sections, or chapters, are lettered from A."""
        top = "chapter" if self.has_chapters else "section"
        self.put(top, 0)
        self._reset_below(top)
        self.formats[top] = f"\\Alph{{{top}}}"

    def printed(self, name: str) -> str:
        return self.evaluated(f"\\the{name}")

    def evaluated(self, text: str) -> str:
        """A format's text: `\\thesection.\\arabic{equation}` to `2.13`."""
        for _ in range(20):
            once = re.sub(r"\\the([A-Za-z]+)", lambda match: self._format(match[1]), text)
            if once == text:
                break
            text = once
        text = re.sub(rf"\\({_STYLES})\s*\{{(\w+)\}}", self._styled, text)
        text = re.sub(rf"\\@({_STYLES})\s*\\c@(\w+)", self._styled, text)
        return re.sub(r"\\[A-Za-z@]+\*?|[{}\s$]", "", text).replace("~", " ")

    def _format(self, name: str) -> str:
        known = self.formats.get(name)
        return known if known is not None else ""

    def _styled(self, match: re.Match[str]) -> str:
        return styled(self.values.get(match[2], 0), match[1])

    def _reset_below(self, name: str) -> None:
        for inner, outer in self.within.items():
            if outer == name and self.values.get(inner):
                self.values[inner] = 0
                self._reset_below(inner)


def styled(value: int, style: str) -> str:
    """As a number, letter or Roman number; LaTeX has no 27th letter, here it is the number 27."""
    if style in ("alph", "Alph") and 0 <= value <= 26:
        letter = "" if not value else chr(ord("a") + value - 1)
        return letter.upper() if style == "Alph" else letter
    if style in ("roman", "Roman"):
        return _roman(value).upper() if style == "Roman" else _roman(value)
    if style == "fnsymbol":
        return ("", "*", "†", "‡", "§", "¶")[value] if 0 <= value < 6 else str(value)
    return str(value)


def _roman(value: int) -> str:
    text = ""
    for size, letters in _ROMAN:
        text += letters * (value // size)
        value %= size
    return text
