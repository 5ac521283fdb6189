"""Where the tokens stand: line, block, scope and brackets, for positions and attention that know of them."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from bloomery.diffusion.code.lexemes.arranging import LAYOUT, Item
from bloomery.diffusion.code.lexemes.rendering import Rendering
from bloomery.diffusion.code.lexemes.spacing import Page
from bloomery.diffusion.code.lexemes.tokenizer import LexemeTokenizer

COLUMNS = ("line", "level", "scope", "depth")


def places(
    tokenizer: LexemeTokenizer, tokens: Sequence[int], language: str | None = None
) -> npt.NDArray[np.int64]:
    """The line from 0, the level of blocks, the number of the innermost block (0 is the file, then in order),
    and the open brackets. A mask stands where the tokens before it end; what it may become is not guessed.

    Shapes: (tokens, 4), as in `COLUMNS`
    """
    lexicon, style = tokenizer.style(tokens, language)
    placing = _Placing(Rendering(Page(lexicon, tokenizer.vocabulary.spacing, style.unit, style.eol)))
    found = np.zeros((len(tokens), len(COLUMNS)), np.int64)
    for item, start, stop in tokenizer.spans(tokens):
        found[start:stop] = placing.place(item)
    return found


class _Placing:
    def __init__(self, rendering: Rendering) -> None:
        self.rendering, self.scopes, self.count = rendering, [0], 0

    def place(self, item: Item) -> tuple[int, int, int, int]:
        """Where an item stands; what opens a block is still outside of it, what closes one is again."""
        rendering, page = self.rendering, self.rendering.page
        if item.shape == "special":
            return (page.lines, len(self.scopes) - 1, self.scopes[-1], len(page.brackets))
        level, depth = self.level(), len(page.brackets)
        rendering.take(item)
        line = page.lines if item.shape in LAYOUT else page.line
        if self.level() < level:
            del self.scopes[max(self.level() + 1, 1) :]
        found = (line, len(self.scopes) - 1, self.scopes[-1], min(depth, len(page.brackets)))
        while self.level() >= len(self.scopes):
            self.count += 1
            self.scopes.append(self.count)
        return found

    def level(self) -> int:
        page = self.rendering.page
        if page.lexicon.indents:
            return len(self.rendering.indents) - 1
        return sum(bracket.sign == "{" for bracket in page.brackets)
