"""Items to text: what `arrange` takes apart, put together to the byte."""

from __future__ import annotations

from collections.abc import Iterable

from bloomery.diffusion.code.lexemes.arranging import LAYOUT, Item, Style, usual_gap
from bloomery.diffusion.code.lexemes.lexicons import Lexicon
from bloomery.diffusion.code.lexemes.lexing import fuse
from bloomery.diffusion.code.lexemes.spacing import Page, Spacing


def rendered(items: Iterable[Item], lexicon: Lexicon, spacing: Spacing, style: Style) -> str:
    return Rendering(Page(lexicon, spacing, style.unit, style.eol)).all(items)


class Rendering:
    """The text of items; of items that no text has, one all the same, where no two lexemes run together."""

    def __init__(self, page: Page) -> None:
        self.page = page
        self.indents, self.fresh = [""], page.lexicon.indents
        self.gap: str | None = None
        self.code: str | None = None
        self.owed = ""

    def all(self, items: Iterable[Item]) -> str:
        for item in items:
            self.take(item)
        self.page.space(self.gap or "")
        self.page.space(self.page.broken(self.code, "") if self.code else "")
        return "".join(self.page.parts)

    def take(self, item: Item) -> None:
        if item.shape in LAYOUT:
            self.lay(item)
        else:
            self.put(item)

    def lay(self, item: Item) -> None:
        page, by_line = self.page, self.page.lexicon.indents and not self.page.brackets
        if item.shape == "indent":
            self.indents.append(self.indents[-1] + item.text)
        elif item.shape == "dedent":
            del self.indents[max(len(self.indents) - 1, 1) :]
        elif item.shape == "newline" or (item.shape == "line" and by_line):
            self.end_line(item.text)
        elif item.shape == "edge" or (item.shape == "space" and not self.fresh):
            self.gap = (self.gap or "") + item.text
        elif item.shape in {"line", "nl"}:
            page.space(self.gap or "")
            page.space(page.broken(self.code, "") if self.code else "")
            self.gap, self.code = None, item.text

    def end_line(self, text: str) -> None:
        self.page.space(self.owed + (self.gap or ""))
        self.gap, self.owed, self.fresh = None, "", True
        if text == "e":
            self.owed = self.page.eol
        else:
            blank = int(text[0]) if text[:1] in {"1", "2"} else 0
            self.page.space(self.page.eol * (1 + blank))

    def put(self, item: Item) -> None:
        page = self.page
        page.space(self.owed)
        page.put(self.before(item), item.shape, item.text)
        self.gap, self.code, self.owed = None, None, ""
        if page.lexicon.indents:
            self.fresh = False

    def before(self, item: Item) -> str:
        page = self.page
        if self.code is not None:
            return (self.gap or "") + page.broken(self.code, item.text)
        if self.fresh:
            return self.indents[-1] if self.gap is None else self.gap
        if self.gap is None:
            return usual_gap(page, item.shape, item.text)
        last = page.parts[-1] if page.parts else ""
        return " " if not self.gap and fuse(last, item.text, page.lexicon) else self.gap
