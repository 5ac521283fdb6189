"""Lexemes to items: line ends, indentation and what is unusual between lexemes become items, too.

newline     ends a logical line (Python), and `blank` lines follow; "e" ends the text without a line end
indent      more indentation from here on; dedent: back to what was before
edge        what stands at the beginning of a line (Python) instead of its indentation
nl          a line end that may end a statement (JavaScript, TypeScript, Go); line: one that ends nothing
space       any other gap that is not the usual one
"""

from __future__ import annotations

import re
from typing import NamedTuple

from bloomery.diffusion.code.lexemes.lexicons import Lexicon
from bloomery.diffusion.code.lexemes.lexing import Lexeme, fuse, lexed
from bloomery.diffusion.code.lexemes.spacing import Counts, Page, Spacing

LAYOUT = frozenset({"newline", "indent", "dedent", "edge", "nl", "line", "space"})
_INLINE = re.compile(r"(?:[ \t\f\v]|\\\r?\n)*")


class Item(NamedTuple):
    shape: str
    text: str


class Style(NamedTuple):
    """unit: what one level of indentation is. eol: what a line ends with."""

    unit: str = "    "
    eol: str = "\n"


def ends_statement(before: Lexeme | None, after: Lexeme | None, lexicon: Lexicon) -> bool:
    """Whether a line end between two lexemes may be a token."""
    if lexicon.ends is None or before is None:
        return False
    is_value = before.shape not in {"sign", "word"} or (
        before.shape == "word" and before.text not in lexicon.words
    )
    if not (is_value or before.text in lexicon.ends) or before.text.endswith("${"):
        return False
    if after is None:
        return True
    if after.shape in {"comment", "block"}:
        return lexicon.language == "go" and after.shape == "block"
    return after.text not in lexicon.restricts and after.shape != "template"


def usual_gap(page: Page, shape: str, text: str) -> str:
    """What stands before the lexeme where nothing says otherwise."""
    if not page.length:
        return ""
    code = page.spacing.gap(page.key(shape, text))
    if code and code != " ":
        ends = ends_statement(page.last, Lexeme(shape, text), page.lexicon)
        code = " " if ends or (page.lexicon.indents and not page.brackets) else page.broken(code, text)
    if text == ">" and page.names[1] == ">":
        return ""  # two signs that one operator is made of
    last = page.parts[-1] if page.parts else ""
    return " " if not code and last and fuse(last, text, page.lexicon) else code


def arrange(
    text: str, lexicon: Lexicon, spacing: Spacing, style: Style, counts: Counts | None = None
) -> list[Item]:
    """The items of a text. `counts`: learns what is usual on the way."""
    lexemes, rest = lexed(text, lexicon)
    arranging = _Arranging(Page(lexicon, spacing, style.unit, style.eol), lexemes, counts)
    return arranging.all(rest)


class _Arranging:
    def __init__(self, page: Page, lexemes: list[Lexeme], counts: Counts | None) -> None:
        self.page, self.lexemes, self.counts = page, lexemes, counts
        self.items: list[Item] = []
        self.indents, self.fresh = [""], page.lexicon.indents
        self.margins = _margins(lexemes, page.eol) if page.lexicon.indents else []

    def all(self, rest: str) -> list[Item]:
        page = self.page
        for at, lexeme in enumerate(self.lexemes):
            if page.lexicon.indents and not page.brackets and (self.fresh or page.eol in lexeme.gap):
                self.begin_line(at, lexeme)
            else:
                self.between(lexeme)
            self.items.append(Item(lexeme.shape, lexeme.text))
            page.put(lexeme.gap, lexeme.shape, lexeme.text)
        self.end(rest)
        return self.items

    def add(self, shape: str, text: str) -> None:
        self.items.append(Item(shape, text))

    def between(self, lexeme: Lexeme) -> None:
        """The item, if any, for a gap within a line or one that is no logical line's end."""
        page, gap = self.page, lexeme.gap
        is_break = gap.strip(" \t").startswith(page.eol) and "\\" not in gap
        code = page.break_code(gap, lexeme.text) if is_break else gap
        shape = "space"
        if is_break:
            shape = "nl" if ends_statement(page.last, lexeme, page.lexicon) else "line"
        if self.counts and shape != "nl" and not page.after_comment and not code.startswith("="):
            self.counts.add(
                page.key(lexeme.shape, lexeme.text), code if is_break or gap in {"", " "} else " "
            )
        if (
            shape == "nl"
            or (is_break and page.after_comment)
            or gap != usual_gap(page, lexeme.shape, lexeme.text)
        ):
            self.add(shape, code)

    def begin_line(self, at: int, lexeme: Lexeme) -> None:
        """Python: the ends of lines before a lexeme, and its indentation."""
        margin = self.end_lines(lexeme.gap)
        if margin is None:
            return self.between(lexeme)
        if lexeme.shape != "comment" or margin == self.margins[at]:
            self.indent(margin)
        if margin != self.indents[-1]:
            self.add("edge", margin)
        self.fresh = lexeme.shape == "comment"
        return None

    def end_lines(self, gap: str) -> str | None:
        """Adds line ends; what stands at the beginning of the last line, or none where no line ends."""
        lead = _INLINE.match(gap).group()  # type: ignore[union-attr]
        rest = gap[len(lead) :]
        if not rest:
            return lead if self.fresh else None
        if not rest.startswith(self.page.eol):
            return gap if self.fresh else None
        if lead:
            self.add("edge" if self.fresh else "space", lead)
        shape, blank = "line" if self.fresh else "newline", 0
        *between, margin = rest.split(self.page.eol)[1:]
        for middle in between:
            if not middle and blank < 2:
                blank += 1
                continue
            self.add(shape, str(blank))
            shape, blank = "line", 0
            if middle:
                self.add("edge", middle)
        self.add(shape, str(blank))
        self.fresh = True
        return margin

    def indent(self, margin: str) -> None:
        """Into or out of blocks, where the margin is one."""
        top = self.indents[-1]
        if margin.startswith(top) and margin != top:
            self.indents.append(margin)
            self.add("indent", margin[len(top) :])
        elif margin in self.indents:
            while self.indents[-1] != margin:
                self.indents.pop()
                self.add("dedent", "")

    def end(self, rest: str) -> None:
        page = self.page
        if page.lexicon.indents and not page.brackets:
            margin = self.end_lines(rest)
            if margin is None and rest:
                self.add("space", rest)
            if not self.fresh:
                self.add("newline", "e")
            self.indent("")
            if margin:
                self.add("edge", margin)
        elif rest:
            is_break = rest.startswith(page.eol)
            shape = "nl" if ends_statement(page.last, None, page.lexicon) else "line"
            self.add(shape if is_break else "space", page.break_code(rest, "") if is_break else rest)


def _margins(lexemes: list[Lexeme], eol: str) -> list[str]:
    """For each lexeme the margin of the next line of code, itself included."""
    found, margin = [""] * len(lexemes), ""
    for at in range(len(lexemes) - 1, -1, -1):
        gap = lexemes[at].gap
        if (eol in gap or not at) and lexemes[at].shape != "comment":
            margin = gap[gap.rindex("\n") + 1 :] if "\n" in gap else gap
        found[at] = margin
    return found
