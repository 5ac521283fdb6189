"""Who wrote a paper and when, as far as its front matter says it."""

import re
from collections.abc import Callable, Iterable

_BETWEEN = re.compile(r"\\(?:and|And|AND|qquad|quad)(?![A-Za-z])|\n\n")
_NOTES = re.compile(
    r"\\(?:thanks|footnotemark|footnote|inst|affil|textsuperscript|email|orcidID|orcid|samethanks)(?![A-Za-z])"
    r"\s*(?:\[[^\]]*\])?\s*(?:\{(?:[^{}]|\{[^{}]*\})*\})?"
)


def authors(given: Iterable[str], plain: Callable[[str], str]) -> tuple[str, ...]:
    """Names only: of each author's block the first line, made plain, without notes and marks."""
    names = []
    for block in given:
        for part in _BETWEEN.split(_NOTES.sub("", block)):
            lines = [line for line in re.split(r"\\\\(?:\[[^\]]*\])?", part) if line.strip()]
            first = re.sub(r"\$[^$]*\$|\\textbf|\\bf\b", "", lines[0]) if lines else ""
            names += [name.strip(" *†‡,") for name in re.split(r",|\band\b|;|&", plain(first))]
    return tuple(name for name in names if re.search(r"[^\W\d_]{2}", name))


def year(dates: Iterable[str]) -> int | None:
    """The year in \\date, if it says one."""
    found = re.findall(r"\b(?:19|20)\d\d\b", " ".join(dates))
    return int(found[-1]) if found else None
