"""Which part of a display carries which number: `\\tag{9}`, or `\\quad (9)` at the end of a line."""

import re
from collections.abc import Sequence

from bloomery.papers.written import lines_of

TAG = re.compile(
    r"\\tag\*?\s*\{\s*\(?(?P<tag>[\w.'*]+)\)?\s*\}"
    r"|(?:\\q?quad|\\hfill|~~)\s*(?:\\text(?:rm)?\s*\{)?\((?P<quad>[A-Z]?\.?\d[\w.'*]*)\)\}?(?=\s*(?:\\\\|$|\\end))",
    re.M,
)
ENVIRONMENT = re.compile(
    r"\\(?:begin|end)\s*\{(?:aligned|align|alignat|gather|gathered|split|eqnarray|equation|multline)\*?\}(?:\{\d+\})?"
)


def tags(latex: str) -> list[str]:
    """The numbers that a display carries, in order."""
    return [match["tag"] or match["quad"] for match in TAG.finditer(latex)]


def parts(latex: str, numbers: Sequence[str]) -> dict[str, str]:
    """Each number's own part, without its tag; empty where the tags are not exactly these numbers."""
    found = list(TAG.finditer(latex))
    named = [match["tag"] or match["quad"] for match in found]
    if sorted(named) != sorted(numbers):
        return {}
    starts = [0, *(match.end() for match in found)]
    return {
        number: _alone(latex[start : match.start()])
        for number, start, match in zip(named, starts, found, strict=False)
    }


def _alone(part: str) -> str:
    """A line of a display without the others: no environment, no alignment, no line break around."""
    text = ENVIRONMENT.sub("", part)
    text = re.sub(r"\A\s*(?:\\\\(?:\[[^\]]*\])?|[.,;])+", "", text)
    text = re.sub(r"(?<!\\)&", "", text) if "\\begin" not in text else text
    return lines_of(re.sub(r"(?:\s|[,;.]|\\\\|\\q?quad|\\notag|\\nonumber)+\Z", "", text)).strip()
