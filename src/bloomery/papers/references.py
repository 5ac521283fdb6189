"""What one thing in a paper says of another: an equation, an algorithm's line, a module, or prose.

Written, a reference is `Eq 12`, `MIRAS Eq 8`, `Algorithm 1 line 7`, ``Module `lmm` `` or `"prose"`, with what
it is needed for in parentheses. Read, it may stand in a sentence: `Loss (Eq 12)`, `Equations 13-15 for M`.
"""

import re
from collections.abc import Collection, Iterator
from dataclasses import dataclass, replace
from typing import Literal

from bloomery.papers.written import NUMBER, PAPER, Written, bare, one_line

LINES = r"\d+(?:-\d+)?"
NOTED = r"(?: \((?P<note>.*)\))?"
AT = rf"(?: lines? (?P<lines>{LINES}))?"
OWNER = r"(?:(?P<paper>[A-Z0-9]+(?:[._-][A-Z0-9]+)*) )?"
STRICT = (
    ("equation", re.compile(rf"{OWNER}Eq (?P<target>{NUMBER}){NOTED}")),
    (
        "algorithm",
        re.compile(rf"{OWNER}Algorithm (?P<target>{NUMBER})(?: lines? (?P<lines>{LINES}))?{NOTED}"),
    ),
    ("module", re.compile(rf"{OWNER}Module `(?P<target>[^`]+)`{NOTED}")),
    ("prose", re.compile(r'"(?P<target>.*)"')),
)
COUNTED = r"(?:[A-Z]\.?)?\d+(?:[._]\d+)*[a-z]?['*]*(?![A-Za-z])"
BETWEEN = r"\s*(?:-|–|—|\bto\b|,\s*and\b|,|\band\b|&|/)\s*"
ONE = rf"(?:\({COUNTED}\)|{COUNTED})"
LISTED = rf"{ONE}(?:{BETWEEN}{ONE})*"
BEFORE = r"(?:\b(?P<before>[A-Za-z][\w.-]*\w)(?:'s)?[ :]+)?"
AFTER = r"(?:\s+(?:of|in|from)\s+(?:the\s+)?(?P<after>[A-Za-z][\w-]*)|\s*\((?P<aside>[A-Z][\w-]*)\))?"
EQUATIONS = re.compile(rf"{BEFORE}\b(?:Equations?|Eqns?\.?|Eqs?\.?)[\s~]*(?P<numbers>{LISTED}){AFTER}", re.I)
ALGORITHMS = re.compile(
    rf"{BEFORE}\bAlg(?:orithm|\.)?[\s~]*(?P<number>{COUNTED})"
    r"(?:,?\s*\(?(?:lines?|l\.)\s*(?P<lines>\d+(?:\s*[-–]\s*\d+)?)\)?)?",
    re.I,
)
NOTHING = re.compile(r"(?:none|nothing|n/?a|-|–|—)\b.*|[-–—]", re.I)
WIDEST = 200  # numbers in a range


def local_id(kind: str, target: str) -> str:
    """What follows the paper in a global id: `13`, `algorithm 1`, `module lmm`."""
    return target if kind == "equation" else f"{kind} {target.lower()}"


@dataclass(frozen=True)
class Reference(Written):
    """What something requires or is used by; `paper` is empty where it is the paper itself."""

    kind: Literal["equation", "algorithm", "module", "prose"]
    target: str  # a number, a module's name, or the prose itself
    paper: str = ""
    lines: str = ""  # of an algorithm: "7" or "3-5"
    note: str = ""  # what it is needed for

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.kind in ("equation", "algorithm") and not re.fullmatch(NUMBER, self.target):
            raise ValueError(f"a reference to an {self.kind} needs its number, not '{self.target}'")
        if not self.target or not re.fullmatch(rf"(?:{PAPER})?", self.paper):
            raise ValueError(f"a reference needs a target and a lower-case paper id: {self}")
        if not re.fullmatch(rf"(?:{LINES})?", self.lines) or (self.lines and self.kind != "algorithm"):
            raise ValueError(f"lines are those of an algorithm, such as 7 or 3-5: {self}")
        if self.kind == "prose" and (self.paper or self.note):
            raise ValueError(f"prose has neither a paper nor a note: {self}")
        if self.kind == "module":
            object.__setattr__(self, "target", self.target.replace("`", "'"))

    def global_id(self, paper: str) -> str:
        """`titans:13`, `titans:algorithm 1`, `titans:module lmm`; empty for prose."""
        owner = self.paper or paper
        if self.kind == "prose":
            return ""
        return f"{owner}:" + (
            self.target if self.kind == "equation" else f"{self.kind} {self.target.lower()}"
        )

    def __str__(self) -> str:
        if self.kind == "prose":
            return f'"{self.target}"'
        named = {"equation": "Eq {}", "algorithm": "Algorithm {}", "module": "Module `{}`"}[self.kind]
        lines = f" line{'s' if '-' in self.lines else ''} {self.lines}" if self.lines else ""
        owner = f"{self.paper.upper()} " if self.paper else ""
        return owner + named.format(self.target) + lines + (f" ({self.note})" if self.note else "")


def parse(text: str, papers: Collection[str] = ()) -> tuple[Reference, ...]:
    """The references of a written item or of a sentence; `papers` are ids that may stand before a number."""
    text = one_line(text)
    return _written(text) or tuple(dict.fromkeys(_told(text, papers)))


def mentions(text: str, papers: Collection[str] = ()) -> tuple[Reference, ...]:
    """The equations and algorithms that a text names; prose is left out."""
    found = [match for _, matches in _mentions(one_line(text), papers) for match in matches]
    return tuple(dict.fromkeys(found))


def paper_id(text: str) -> str:
    """The id that a name stands for: lower case, no spaces; empty where nothing is left."""
    return "-".join(re.findall(PAPER, bare(text).lower()))


def paper_ids(text: str) -> list[str]:
    """The ids that a cell such as `TITANS (Behrouz et al.)` may stand for, the likeliest first."""
    name = re.split(r"[(,:]", text)[0].strip()
    found = (paper_id(name), paper_id(name.split(" ")[0]))
    return list(dict.fromkeys(one for one in found if one))


def numbers(text: str) -> tuple[str, ...]:
    """The numbers of a list such as `9-10` or `(3), 5 and A.2`; a range gives each number in it."""
    if re.fullmatch(NUMBER, text.strip()):
        return (text.strip(),)
    items = re.findall(rf"({COUNTED})\)?\s*(-|–|—|\bto\b)?", text)
    found: list[str] = []
    opened = ""
    for number, dash in items:
        found += _between(opened, number) if opened else [number]
        opened = number if dash else ""
    return tuple(dict.fromkeys(found))


def _between(first: str, last: str) -> list[str]:
    """What follows `first` in the range up to `last`: 9 to 12, A.1 to A.3, 4a to 4c."""
    low, high = (re.fullmatch(r"(.*?)(\d+)", number) for number in (first, last))
    if low and high and high[1] in (low[1], ""):
        start, end = int(low[2]), int(high[2])
        if start < end <= start + WIDEST:
            return [f"{low[1]}{count}" for count in range(start + 1, end + 1)]
    if first[:-1] == last[:-1] and first[-1].isalpha() and last[-1].isalpha() and first < last:
        return [first[:-1] + chr(code) for code in range(ord(first[-1]) + 1, ord(last[-1]) + 1)]
    return [last]


def _written(text: str) -> tuple[Reference, ...]:
    for kind, form in STRICT:
        if match := form.fullmatch(text):
            parts = {name: value for name, value in match.groupdict().items() if value}
            parts["paper"] = parts.get("paper", "").lower()
            return (Reference(kind=kind, **parts),) if one_line(parts["target"]) else ()  # type: ignore[arg-type]
    return ()


def _told(text: str, papers: Collection[str]) -> Iterator[Reference]:
    if re.fullmatch(rf"(?:{LISTED})?", text):
        yield from (Reference("equation", number) for number in numbers(text))
        return
    found = list(_mentions(text, papers))
    if not found and NOTHING.fullmatch(text):
        return
    for segment, matches in _segments(text, found):
        if matches:
            yield from (replace(match, note=_note(segment)) for match in matches)
        elif prose := segment.strip(" .()\"'"):
            yield Reference("prose", prose)


def _segments(
    text: str, found: list[tuple[tuple[int, int], list[Reference]]]
) -> Iterator[tuple[str, list[Reference]]]:
    """The items of a list, each with its references; a sentence without any is one item."""
    if not found and (text.endswith(".") or len(text.split()) > 8):
        yield text, []
        return
    for number, ((start, end), _) in reversed(list(enumerate(found))):
        text = f"{text[:start]}\x00{number}\x01{text[end:]}"
    for segment in re.split(r"[;,](?![^()]*\))|(?<=\x01)\s+and\s+(?!\x00)", text):
        marks = [int(mark) for mark in re.findall(r"\x00(\d+)\x01", segment)]
        yield re.sub(r"\x00\d+\x01", "\x00", segment), [match for mark in marks for match in found[mark][1]]


def _note(segment: str) -> str:
    text = re.sub(r"\(\s*(?:see\s+)?\x00\s*\)", "\x00", segment)
    text = one_line(re.sub(r"\x00", " ", text)).strip(" .:-–")
    return re.sub(r"\s+(?:from|in|of|see|via)$", "", text)


def _mentions(text: str, papers: Collection[str]) -> Iterator[tuple[tuple[int, int], list[Reference]]]:
    """Each place where a text names equations or an algorithm, from the left."""
    spots = [("equation", match) for match in EQUATIONS.finditer(text)]
    spots += [("algorithm", match) for match in ALGORITHMS.finditer(text)]
    for kind, match in sorted(spots, key=lambda spot: spot[1].start()):
        start, paper = match.start(), _paper(match["before"], papers)
        if match["before"] and not paper:
            start = match.start() + re.match(r"\S+\s*", match[0]).end()  # type: ignore[union-attr]
        end = match.end()
        if kind == "algorithm":
            lines = re.sub(r"\s*[-–]\s*", "-", match["lines"] or "")
            yield (start, end), [Reference("algorithm", match["number"], paper, lines)]
            continue
        if later := match["after"] or match["aside"]:
            paper = paper or _paper(later, papers)
            end = end if _paper(later, papers) else match.end("numbers")
        yield (start, end), [Reference("equation", number, paper) for number in numbers(match["numbers"])]


def _paper(word: str | None, papers: Collection[str]) -> str:
    """The id that a word names: a known one in any case, else one in capitals."""
    if not word or not re.fullmatch(PAPER, word.lower()):
        return ""
    shouted = len(word) > 1 and word.isupper() and not re.fullmatch(r"(?:ALG|AND|EQS?|FROM|IN|OF|SEE)", word)
    return word.lower() if shouted or word.lower() in papers else ""
