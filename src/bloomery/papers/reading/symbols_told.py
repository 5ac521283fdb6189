"""Symbols that a sentence or a table of notation explains: "where $M_t$ is the memory"."""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from bloomery.papers.context import Kind, Variable
from bloomery.papers.reading.document import DisplayEquation, Document, Table
from bloomery.papers.written import bare

_VERB = r"(?:is|are|denotes?|represents?|stands?\s+for|means?|be|denoting|being)"
_TEX = r"\$[^$]+\$"
_LIST = rf"{_TEX}(?:\s*,\s*{_TEX})*(?:\s*,?\s*and\s+{_TEX})?"
_IN_TEX = re.compile(rf"({_LIST})\s*({_VERB})\s+(?=[A-Za-z])")
_GLYPHS = r"[^\s,;.()]{1,2}(?:[_^]\{[^{}]{1,8}\})*"
_IN_GLYPHS = re.compile(
    rf"(?:\b[Ww]here|\band|,|\b[Ww]ith|\b[Ll]et|\b[Hh]ere,?)\s+({_GLYPHS})\s+(?:{_VERB})\s+(?=[A-Za-z])"
)
_STOP = re.compile(
    r"[.;](?:\s|$)|,\s+(?:and\s+|while\s+|where\s+)?(?=\$)|\s+and\s+(?=\$)|,\s+(?:where|which|so|that|we)\b"
)
_SCALAR = re.compile(
    r"\b(?:rate|scalar|coefficient|constant|number|size|probability|temperature|weight decay|step|index)\b"
)
_NUMBER = r"-?\d+(?:\.\d+)?"
_SIGNS = {r"\le": "<=", r"\leq": "<=", "≤": "<=", r"\ge": ">=", r"\geq": ">=", "≥": ">="}
_BETWEEN = re.compile(rf"({_NUMBER})\s*(<|\\leq?|≤)\s*(.+?)\s*(<|\\leq?|≤)\s*({_NUMBER})")
_BEYOND = re.compile(rf"(.+?)\s*(<|>|\\[gl]eq?|≤|≥)\s*({_NUMBER})")
_INTERVAL = re.compile(r"[\[(\]]\s*-?[^,\s]+\s*,\s*[^,\s]+\s*[\])\[]")
_OF_ONE = (  # commands that take the next letter
    r"(?:math[a-z]+|text[a-z]*|bm|boldsymbol|operatorname"
    r"|(?:wide)?(?:hat|tilde)|bar|vec|d?dot|(?:over|under)line)"
)


@dataclass(frozen=True)
class Told:
    """`source` says where."""

    variable: Variable
    source: str


def told(document: Document, equation: DisplayEquation) -> Iterator[Told]:
    """Symbols of the equation that the paragraphs next to it or a table explain, each once."""
    seen: set[str] = set()
    formula = equation.latex or equation.text
    for source, variable in _candidates(document, equation):
        key = _bare(variable.symbol)
        if key and key not in seen and occurs(key, formula):
            seen.add(key)
            yield Told(variable, source)


def _candidates(document: Document, equation: DisplayEquation) -> Iterator[tuple[str, Variable]]:
    for source, text in (("after", equation.after), ("before", equation.before)):
        for symbols, description in _sentences(text, is_tex=bool(equation.latex)):
            named = [symbol for symbol in symbols if _is_named(symbol)]
            yield from ((f"the paragraph {source} it", one) for one in _paired(named, description))
    for table in document.tables:
        yield from ((f"Table {table.number}", one) for one in _in_table(table))


def _sentences(text: str, *, is_tex: bool) -> Iterator[tuple[list[str], str]]:
    """The symbols of each explanation, with what is said of them up to the next one."""
    found = [_explained(match, is_tex=is_tex) for match in (_IN_TEX if is_tex else _IN_GLYPHS).finditer(text)]
    ends = [*(start for start, _, _ in found[1:]), len(text)]
    for (_, symbols, begin), end in zip(found, ends, strict=False):
        stop = _STOP.search(text, begin, end)
        phrase = text[begin : stop.start() if stop else end]
        yield symbols, re.sub(r"[\s,.]*(?:\band)?[\s,.]*$", "", phrase)


def _explained(match: re.Match[str], *, is_tex: bool) -> tuple[int, list[str], int]:
    """Where an explanation starts, of which symbols it is, where what it says begins.

    Of a list before "is" only the last symbol is meant: in "after token $t$, $a$ is ..." the first is not.
    """
    if not is_tex:
        return match.start(1), [match[1]], match.end()
    found = list(re.finditer(r"\$([^$]+)\$", match[1]))
    if not re.fullmatch(r"are|denote|represent|stand\s+for|mean", match[2]):
        found = found[-1:]
    return match.start(1) + found[0].start(), [one[1] for one in found], match.end()


def _paired(symbols: Sequence[str], description: str) -> Iterator[Variable]:
    """`$v$ and $k$ denote the value and the key`: in their order, where there are as many."""
    parts = [part for part in re.split(r"\s*,\s*and\s+|\s+and\s+|\s*,\s*", description) if part]
    if 1 < len(parts) <= len(symbols):
        symbols, each = symbols[-len(parts) :], parts
    else:
        symbols, each = symbols[-2:], [description] * len(symbols[-2:])
    for symbol, phrase in zip(symbols, each, strict=True):
        yield _variable(symbol, re.sub(r"\s*\brespectively$", "", phrase))


def _variable(symbol: str, description: str) -> Variable:
    """The set that a symbol is said to be in tells its shape, an interval or a bound its domain."""
    name, space = _placed(symbol)
    domain = "" if space.startswith("\\") else space
    shape = "[]" if domain else _shape(space)
    kind: Kind = "Scalar" if shape == "[]" or (shape == "-" and _SCALAR.search(description)) else "Tensor"
    if re.search(r"\bfunction\b", description):
        kind = "Function"
    return Variable(symbol=name, kind=kind, shape=shape, description=description, domain=domain)


def _is_named(symbol: str) -> bool:
    """Not so of a set without what is in it."""
    return bool(bare(_placed(symbol)[0]))


def _placed(symbol: str) -> tuple[str, str]:
    """A symbol without what it is said to be in or beyond, and that: a set, `(0, 1]`, `> 0`."""
    if match := _BETWEEN.fullmatch(symbol.strip()):
        low, first, name, last, high = match.groups()
        return name, f"{'(' if first == '<' else '['}{low}, {high}{')' if last == '<' else ']'}"
    if match := _BEYOND.fullmatch(symbol.strip()):
        name, sign, number = match.groups()
        return name, f"{_SIGNS.get(sign, sign)} {number}"
    name, _, space = (part.strip() for part in re.sub(r"\\in(?![A-Za-z])|∈", "\0", symbol).partition("\0"))
    return name, space if space.startswith("\\") or _INTERVAL.fullmatch(space) else ""


def _shape(space: str) -> str:
    """`\\mathbb{R}^{d \\times k}` is [d, k], `\\mathbb{R}` is []."""
    match = re.fullmatch(r"\\(?:mathbb|Bbb)\s*\{?[RCNZ]\}?(?:\^(?:\{(.*)\}|(\w)))?", space)
    if match is None:
        return "-"
    sizes = [part.strip() for part in re.split(r"\\times|×", match[1] or match[2] or "")]
    return f"[{', '.join(filter(None, sizes))}]"


def _in_table(table: Table) -> Iterator[Variable]:
    heads = [cell.lower() for cell in table.header]
    symbol = next((at for at, cell in enumerate(heads) if re.search(r"symbol|notation", cell)), None)
    meaning = next(
        (at for at, cell in enumerate(heads) if re.search(r"description|meaning|definition", cell)), None
    )
    if symbol is None or meaning is None:
        return
    for row in table.rows:
        if max(symbol, meaning) < len(row) and _is_named(row[symbol].strip("$")):
            yield _variable(row[symbol].strip("$"), row[meaning])


def _bare(symbol: str) -> str:
    """Without blanks and braces that change nothing; a mark stays where a blank ends a command's name."""
    text = re.sub(r"\\[,;:! ]", " ", symbol)
    text = re.sub(rf"\\(?!{_OF_ONE}\b)([A-Za-z]+)\s+(?=[A-Za-z])", "\\\\\\1\0", text)
    text = re.sub(r"\s", "", text)
    return re.sub(r"\{(\\[A-Za-z]+|.)\}", r"\1", text)


def occurs(symbol: str, formula: str) -> bool:
    """Whether a formula has the symbol; a letter within a command's name is none."""
    formula = _bare(formula)
    for start in (match.start() for match in re.finditer(re.escape(symbol), formula)):
        before = re.search(r"\\[A-Za-z]*$", formula[:start])
        follows = formula[start + len(symbol) :][:1]
        in_command = before is not None and symbol[0].isalpha()
        cut = re.search(r"\\[A-Za-z]+$", symbol) is not None and follows.isalpha()
        if not in_command and not cut:
            return True
    return False
