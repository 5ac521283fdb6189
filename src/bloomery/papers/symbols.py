"""The symbols of a formula, to compare it with the table that explains it.

What counts: a letter, Greek or Latin, with its decorations (`\\tilde M` is not `M`) and with a subscript
that is a word (`d_{in}` is not `d_{out}`). What does not: fonts (`\\mathbf x` is `x`), indices (letters in
subscripts and superscripts, so `M_{t-1}` is `M`), sets in blackboard bold, the constants e and \\pi,
operators, and words (three letters in a row, or more than one in `\\mathrm`, `\\text`, `\\operatorname`):
a table may name them, but need not.
"""

import re
import unicodedata
from collections.abc import Iterable
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any

from bloomery.core.errors import CapabilityMissing

GREEK = (
    "alpha beta gamma delta epsilon zeta eta theta iota kappa lambda mu nu xi omicron pi rho sigma tau "
    "upsilon phi chi psi omega"
)
LETTERS = {*GREEK.split(), *GREEK.title().split(), "ell", "imath", "jmath", "hbar", "aleph"}
ACCENTS = ("tilde", "hat", "bar", "vec", "dot", "ddot", "check", "breve", "acute", "grave", "underline")
WIDE = {"widetilde": "tilde", "widehat": "hat", "overline": "bar", "mathring": "ring"}
DECORATIONS = {name: name for name in ACCENTS} | WIDE
COMBINING = {0x303: "tilde", 0x302: "hat", 0x304: "bar", 0x305: "bar", 0x307: "dot", 0x308: "ddot"}
WORDS = {"mathrm", "text", "textrm", "textbf", "textit", "textsf", "textsc", "operatorname", "mathop"}
SETS = {"mathbb", "mathds"}
SILENT = {"tag", "label", "ref", "eqref", "begin", "end", "hspace", "vspace", "color"}
CONSTANTS = {"e", "pi"}
BARE_WORD = re.compile(r"_([A-Za-z]{2,})")
PAIRED = re.compile(r"\\\\|\\[{}]|[{}]|\\(?:left|right)(?![a-z])|\\(begin|end)\s*\{([^{}]*)\}")
NUMBERING = re.compile(r"\\(?:tag\*?|label)\s*\{[^{}]*\}|\\q?quad\s*\([A-Z]?\.?\d[\w.]*\)")


@dataclass(frozen=True)
class Symbol:
    """A decorated letter."""

    name: str  # "M", "tilde M", "theta"
    word: str = ""  # a subscript that is a word

    def __str__(self) -> str:
        return f"{self.name}_{{{self.word}}}" if self.word else self.name


@dataclass
class Formula:
    """What a formula names, in the order of appearance."""

    symbols: list[Symbol] = field(default_factory=list)  # on the line
    indices: set[str] = field(default_factory=set)  # letters in scripts
    words: set[str] = field(default_factory=set)

    def needed(self) -> list[Symbol]:
        """What a table must explain."""
        return [one for one in dict.fromkeys(self.symbols) if one.name not in CONSTANTS]


@lru_cache(maxsize=8192)
def parse(latex: str) -> Formula:
    """The symbols of a formula; never raises on what it holds.

    Raises: CapabilityMissing without pylatexenc.
    """
    try:
        from pylatexenc.latexwalker import LatexWalker, LatexWalkerError
    except ImportError as error:
        message = "pylatexenc is needed to read formulas: install `bloomery[papers]`"
        raise CapabilityMissing(message) from error
    text = BARE_WORD.sub(r"_{\1}", NUMBERING.sub(" ", latex.strip("$")))
    try:
        nodes, _, _ = LatexWalker(unicodedata.normalize("NFD", text)).get_latex_nodes()
    except LatexWalkerError:
        nodes = []
    found = Formula()
    _Walk(found).nodes(nodes)
    return found


def unexplained(latex: str, table: Iterable[str]) -> list[Symbol]:
    """Symbols of a formula that no cell of the table names, in the order of appearance."""
    named = {one for cell in table for one in parse(cell).symbols}
    return [one for one in parse(latex).needed() if one not in named and Symbol(one.name) not in named]


def unused(latex: str, table: Iterable[str]) -> list[str]:
    """Cells of the table whose symbol the formula does not hold."""
    return [cell for cell in table if not _holds(parse(latex), parse(cell))]


def _holds(formula: Formula, cell: Formula) -> bool:
    """Whether a formula holds the first symbol of a cell; a cell without any names a function by a word."""
    if not cell.symbols:
        return not cell.words or bool(cell.words & formula.words)
    head = cell.symbols[0]
    named = {one.name for one in formula.symbols}
    return head in formula.symbols or head.name in formula.indices or (not head.word and head.name in named)


class _Walk:
    """One pass over parsed LaTeX; `script` holds between `_` or `^` and what it applies to."""

    def __init__(self, found: Formula, within: bool = False, decoration: str = "") -> None:
        self.found = found
        self.within = within  # a subscript or superscript
        self.decoration = decoration
        self.script = ""
        self.word_next = False

    def nodes(self, nodes: Iterable[Any]) -> None:
        for node in nodes:
            kind = type(node).__name__ if node is not None else ""
            if kind == "LatexCharsNode":
                self._chars(node.chars)
            elif kind == "LatexGroupNode":
                self._group(node.nodelist)
            elif kind == "LatexMacroNode":
                self._macro(node)
            elif kind in ("LatexEnvironmentNode", "LatexMathNode"):
                self.nodes(node.nodelist)
            elif kind == "LatexSpecialsNode":
                self.script = ""

    def _chars(self, chars: str) -> None:
        for run in re.findall(r"[^\W\d_]+[\u0300-\u036f]*|[\u0300-\u036f]|[_^]|\S", chars):
            if run in "_^":
                self.script = run
            elif len(run) == 1 and ord(run) in COMBINING:
                self._decorate(COMBINING[ord(run)])
            elif not run[0].isalpha():
                self.script = ""
            elif re.fullmatch(r"[A-Za-z]{3,}", run) and not self.script:
                self.found.words.add(run)
            else:
                self._letters(run)

    def _letters(self, run: str) -> None:
        for letter in run:
            if ord(letter) in COMBINING:
                self._decorate(COMBINING[ord(letter)])
            elif unicodedata.decomposition(letter).startswith(("<sub>", "<super>")):
                self.found.indices.add(unicodedata.normalize("NFKD", letter))
            else:
                self._letter(_named(letter))

    def _letter(self, name: str) -> None:
        if self.script or self.within:
            self.found.indices.add(name)
            self.script = ""
        else:
            self.found.symbols.append(Symbol(f"{self.decoration} {name}".strip()))

    def _decorate(self, decoration: str) -> None:
        if self.found.symbols and not self.within:
            last = self.found.symbols.pop()
            self.found.symbols.append(Symbol(f"{decoration} {last.name}", last.word))

    def _group(self, nodes: list[Any]) -> None:
        text = "".join(_text(node) for node in nodes if node is not None).strip()
        if self.word_next:
            self.word_next = False
            self._word(text)
        elif self.script:
            self._scripted(nodes, text)
        else:
            inner = _Walk(self.found, self.within, self.decoration)
            inner.nodes(nodes)

    def _scripted(self, nodes: list[Any], text: str) -> None:
        """What stands in a subscript or superscript: a word belongs to the symbol, letters are indices."""
        below, self.script = self.script == "_", ""
        if below and re.fullmatch(r"[A-Za-z]{2,}", text) and self.found.symbols and not self.within:
            last = self.found.symbols.pop()
            self.found.symbols.append(Symbol(last.name, text))
            return
        held = len(self.found.symbols)
        inner = _Walk(self.found, True)
        inner.nodes(nodes)
        del self.found.symbols[held:]

    def _word(self, text: str) -> None:
        text = text.strip()
        if self.script == "_" and self.found.symbols and not self.within and len(text) > 1:
            self.found.symbols.append(Symbol(self.found.symbols.pop().name, text))
        elif len(text) == 1 and text.isalpha() and text != "d":
            self._letter(_named(text))
        elif text:
            self.found.words.add(text)
        self.script = ""

    def _macro(self, node: Any) -> None:
        name = node.macroname
        arguments = [
            one for one in (node.nodeargd.argnlist if node.nodeargd else []) or [] if one is not None
        ]
        if name.removeprefix("var") in LETTERS:
            self._letter(name.removeprefix("var"))
        elif name in DECORATIONS:
            before = self.decoration
            inner = _Walk(
                self.found, self.within or bool(self.script), f"{before} {DECORATIONS[name]}".strip()
            )
            inner.nodes(arguments)
            self.script = ""
        elif name in WORDS:
            if arguments:
                self._word("".join(_text(one) for one in arguments))
            self.word_next = not arguments
        elif name in SETS:
            self.script = ""
        elif name not in SILENT:
            if not arguments and name.isalpha():
                self.found.words.add(name)
            inner = _Walk(self.found, self.within or bool(self.script), self.decoration)
            inner.nodes(arguments)
            self.script = ""


def _arguments(node: Any) -> list[Any]:
    return [one for one in (node.nodeargd.argnlist if node.nodeargd else None) or [] if one is not None]


def _text(node: Any) -> str:
    """The characters of a node, of a group and of a macro for words; ? for another macro."""
    if hasattr(node, "chars"):
        return str(node.chars)
    if hasattr(node, "macroname"):
        return "".join(map(_text, _arguments(node))) if node.macroname in WORDS else "?"
    return "".join(_text(one) for one in getattr(node, "nodelist", None) or [] if one is not None)


def _named(letter: str) -> str:
    """A Greek character under its macro's name."""
    if letter == "ℓ":
        return "ell"
    match = re.fullmatch(r"GREEK (SMALL|CAPITAL) LETTER (?:FINAL )?(\w+)", unicodedata.name(letter, ""))
    if not match:
        return letter
    name = {"lamda": "lambda"}.get(match[2].lower(), match[2].lower())
    return name if match[1] == "SMALL" else name.title()


def unbalanced(latex: str) -> tuple[int, str] | None:
    """The line (from 0) and the name of the first brace, `\\left` or environment without a partner."""
    opened: list[tuple[str, int]] = []
    for match in re.finditer(
        r"\\\\|\\[{}]|[{}]|\\(?:left|right)(?![a-z])|\\(begin|end)\s*\{([^{}]*)\}", latex
    ):
        line = latex.count("\n", 0, match.start())
        what, token = match[0], match[0]
        if match[1]:
            what, token = f"\\begin{{{match[2]}}}", f"\\{match[1]}"
        if token in ("{", "\\left", "\\begin"):
            opened.append((what, line))
        elif token in ("}", "\\right", "\\end"):
            partner = {"}": "{", "\\right": "\\left", "\\end": what}[token]
            if not opened or opened[-1][0] != partner:
                where = f"where {opened[-1][0]} is open" if opened else f"without {partner}"
                return line, f"{match[0]} {where}"
            opened.pop()
    return (opened[-1][1], f"{opened[-1][0]} is never closed") if opened else None
