"""A text as items of its language, and how far they are the beginning of a program."""

import copy
from collections.abc import Sequence
from functools import cached_property, lru_cache

from bloomery.diffusion.code.completing.canvas import Completer, wild
from bloomery.diffusion.code.completing.chart import Chart
from bloomery.diffusion.code.completing.counting import settled
from bloomery.diffusion.code.completing.grammar import OPEN, PIECE, Grammar
from bloomery.diffusion.code.completing.languages import grammar
from bloomery.diffusion.code.completing.terminals import terminals_of
from bloomery.diffusion.code.lexemes.arranging import LAYOUT, Item, arrange
from bloomery.diffusion.code.lexemes.lexicons import lexicon
from bloomery.diffusion.code.lexemes.lexing import lexed
from bloomery.diffusion.code.lexemes.rendering import rendered
from bloomery.diffusion.code.lexemes.spacing import Spacing
from bloomery.diffusion.code.lexemes.tokenizer import style_of
from bloomery.diffusion.code.mending.habits import usual

Slot = Item | None  # None: a place whose item is to be found


class Tools:
    """A language's grammar with a chart that goes on from what two canvases have in common."""

    def __init__(self, grammar: Grammar) -> None:
        self.grammar, self.completer, self.chart = grammar, Completer(grammar), Chart(grammar)
        spelled = [name for name in grammar.terminals if name.startswith(OPEN) or name == PIECE]
        self.any = wild(grammar) & ~grammar.bits(spelled)


@lru_cache(maxsize=8)
def tools(language: str) -> Tools:
    """Raises: UnknownName."""
    return Tools(grammar(language))


class Reading:
    """`raw`: the text's UTF-8, one character a byte.

    What is put in is spaced as the text is, or as usual.
    """

    def __init__(self, raw: str, language: str) -> None:
        self.raw, self.language, self.lexicon = raw, language, lexicon(language)
        self.style, counts = style_of(raw, self.lexicon), copy.deepcopy(usual(language)[1])
        arrange(raw, self.lexicon, Spacing(), self.style, counts)
        self.spacing = counts.spacing()
        self.items = arrange(raw, self.lexicon, self.spacing, self.style)
        self.lexemes, self.rest = lexed(raw, self.lexicon)

    @cached_property
    def offsets(self) -> list[int]:
        """Where each lexeme begins, and the end."""
        found, at = [], 0
        for lexeme in self.lexemes:
            found.append(at + len(lexeme.gap))
            at = found[-1] + len(lexeme.text)
        return [*found, len(self.raw)]

    @cached_property
    def lexeme_at(self) -> list[int]:
        """For each item, and the end, the number of lexemes before it."""
        found, count = [], 0
        for item in self.items:
            found.append(count)
            count += item.shape not in LAYOUT
        return [*found, count]

    def item_of(self, lexeme: int) -> int:
        """The item that a lexeme is, or the end."""
        known = [at for at, item in enumerate(self.items) if item.shape not in LAYOUT]
        return known[lexeme] if lexeme < len(known) else len(self.items)

    def offset(self, item: int) -> int:
        """Where the next lexeme from an item on begins."""
        return self.offsets[min(self.lexeme_at[item], len(self.offsets) - 1)]

    def end_before(self, item: int) -> int:
        """Where the lexeme before an item ends, if layout is what comes next; else where the next begins."""
        number = self.lexeme_at[item]
        if not number or (item < len(self.items) and self.items[item].shape not in LAYOUT):
            return self.offset(item)
        return self.offsets[number - 1] + len(self.lexemes[number - 1].text)

    def cell(self, slot: Slot) -> int:
        known = tools(self.language)
        if slot is None:
            return known.any
        names = [name for name in terminals_of(slot, self.language) if name in known.grammar.index]
        return known.grammar.bits(names)

    def canvas(self, slots: Sequence[Slot]) -> list[int]:
        return [self.cell(slot) for slot in slots]

    def viable(self, slots: Sequence[Slot]) -> tuple[int, bool]:
        """How many slots from the left begin some program, and whether all are one."""
        known = tools(self.language)
        accepted = known.chart.read(settled(known.grammar, self.canvas(slots)))
        return len(known.chart.tokens) - (not known.chart.columns[-1]), accepted

    def admissible(self, slots: Sequence[Slot], at: int) -> list[str]:
        """The terminals that complete the slots at a place."""
        known = tools(self.language)
        return known.grammar.names(known.completer.admissible(self.canvas(slots))[at])

    def text(self, items: Sequence[Item]) -> str:
        return rendered(items, self.lexicon, self.spacing, self.style)
