"""TeX source as tokens that know where they came from; comments are gone, verbatim text is one token."""

import re
from bisect import bisect_right
from collections.abc import Iterable, Iterator
from typing import NamedTuple

PAR = "\n\n"
END_OF_FILE = "\0"
VERBATIM = ("verbatim", "Verbatim", "lstlisting", "minted", "comment", "filecontents", "alltt")


class Token(NamedTuple):
    """`text` is a control sequence, a special character, a word, a blank, or `\\begin{name}` whole."""

    text: str
    path: str
    line: int
    depth: int = 0  # of the macro that it came out of
    raw: bool = False  # verbatim: means itself


_PATTERN = r"""
    (?P<comment> %[^\n]*(?:\n[ \t]*(?P<blank>\n\s*)?)?)
  | (?P<verbatim> \\begin[ ]*\{(?P<name>(?:VERBATIM)\*?)\})
  | (?P<verb> \\(?:verb\*?|lstinline)(?P<quote>[^\sA-Za-z*{\[])[^\n]*?(?P=quote))
  | (?P<environment> \\(?P<edge>begin|end)[ ]*\{[ ]*(?P<which>[A-Za-z0-9@:_-]+\*?)[ ]*\})
  | (?P<control> \\(?:[LETTERS]+|.|\n))
  | (?P<par> [ \t]*\n[ \t]*\n\s*)
  | (?P<space> \s+)
  | (?P<parameter> \#+[1-9])
  | (?P<special> [{}$&\#^_~*\[\]])
  | (?P<word> [^\\{}$&\#^_~%\s*\[\]]+)
  | (?P<lone> \\)
"""


def _compiled(letters: str) -> re.Pattern[str]:
    pattern = _PATTERN.replace("VERBATIM", "|".join(VERBATIM)).replace("LETTERS", letters)
    return re.compile(pattern, re.VERBOSE | re.DOTALL)


_OUTSIDE, _INSIDE = _compiled("A-Za-z"), _compiled("A-Za-z@")


def tokens(text: str, path: str) -> Iterator[Token]:
    """All tokens of one file; `@` is a letter in styles and between \\makeatletter and \\makeatother."""
    starts = [0, *(match.end() for match in re.finditer("\n", text))]
    pattern = _INSIDE if path.endswith((".sty", ".cls")) else _OUTSIDE
    at = 0
    while at < len(text):
        match = pattern.match(text, at)
        assert match is not None  # the alternatives cover every character
        line = bisect_right(starts, at)
        at = match.end()
        if match["verbatim"]:
            end = text.find(f"\\end{{{match['name']}}}", at)
            if end >= 0:
                yield Token(f"\\begin{{{match['name']}}}", path, line)
                yield Token(text[at:end], path, line, raw=True)
                at = end
                continue
        if (made := _made(match, path, line)) is not None:
            yield made
            pattern = {"\\makeatletter": _INSIDE, "\\makeatother": _OUTSIDE}.get(made.text, pattern)


def _made(match: re.Match[str], path: str, line: int) -> Token | None:
    kind = match.lastgroup
    if match["comment"] is not None:
        return Token(PAR, path, line) if match["blank"] else None
    if match["verb"]:
        return Token(match["verb"], path, line, raw=True)
    if match["environment"]:
        return Token(f"\\{match['edge']}{{{match['which']}}}", path, line)
    if match["verbatim"]:  # one that never ends is read like any other text
        return Token(f"\\begin{{{match['name']}}}", path, line)
    if kind in ("par", "space"):
        return Token(PAR if kind == "par" else " ", path, line)
    return Token(match[0], path, line)


def render(found: Iterable[Token]) -> str:
    """TeX source again: a control word keeps its distance from a letter that follows."""
    parts: list[str] = []
    for token in found:
        if parts and token.text[:1].isalpha() and not token.raw and _is_control_word(parts[-1]):
            parts.append(" ")
        parts.append(token.text)
    return "".join(parts)


def environment(token: Token, edge: str) -> str | None:
    """The name in `\\begin{name}` or `\\end{name}`."""
    text, start = token.text, f"\\{edge}{{"
    return text[len(start) : -1] if not token.raw and text.startswith(start) else None


def _is_control_word(text: str) -> bool:
    return text[:1] == "\\" and text[1:2].isalpha() and text[-1:].isalpha()
