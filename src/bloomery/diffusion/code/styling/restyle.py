"""Code in the style of a file: indentation, line ends and quotes are made the file's, whoever wrote it.

Names and the length of lines are told to models (`style.in_words`) and not changed here: renaming may break
what calls, and breaking lines is a formatter's work.
"""

import ast

from bloomery.diffusion.code.lexemes.arranging import Item, arrange
from bloomery.diffusion.code.lexemes.arranging import Style as Layout
from bloomery.diffusion.code.lexemes.lexicons import lexicon
from bloomery.diffusion.code.lexemes.rendering import rendered
from bloomery.diffusion.code.lexemes.spacing import Spacing
from bloomery.diffusion.code.lexemes.tokenizer import style_of as layout_of
from bloomery.diffusion.code.styling.style import Style, quote_of
from bloomery.source.languages.faults import faults
from bloomery.source.languages.parsing import parse
from bloomery.source.languages.registry import language as known_language
from bloomery.source.quality.metric import tokens


def restyled(text: str, language: str, style: Style) -> str:
    """The same program as the style has it; the text as it is where it does not parse, or would change.

    Raises: UnknownName; FormatRefused for a text that no UTF-8 file holds.
    """
    if faults(parse(text, known_language(language))):
        return text
    raw, known = text.encode().decode("latin-1"), lexicon(language)
    was = layout_of(raw, known)
    items = [_item(item, style, language) for item in arrange(raw, known, Spacing(), was)]
    found = rendered(items, known, Spacing(), Layout(style.unit, style.eol)).encode("latin-1").decode()
    return found if _same(text, found, language) else text


def _item(item: Item, style: Style, language: str) -> Item:
    if item.shape == "indent":
        return Item("indent", style.unit)
    quote = quote_of(item.shape, item.text, language)
    if quote and style.quote and quote != style.quote:
        return Item(item.shape, _quoted(item.text, quote, style.quote))
    return item


def _quoted(text: str, old: str, new: str) -> str:
    """Unchanged where the other quote, an escape or a hole is inside."""
    prefix, inner = text.split(old, 1)
    inner = inner.removesuffix(old)
    if new in inner or "\\" in inner or "f" in prefix.lower():
        return text
    return f"{prefix}{new}{inner}{new}"


def _same(before: str, after: str, language: str) -> bool:
    """Whether both are one program: Python's trees, or the leaves of the others', quotes aside."""
    if language == "python":
        try:
            return ast.dump(ast.parse(before)) == ast.dump(ast.parse(after))
        except (SyntaxError, ValueError):
            return False
    known = known_language(language)
    trees = [parse(text, known) for text in (before, after)]
    if any(tree.root.has_error for tree in trees):
        return False
    leaves = [[token.text.replace("'", '"').split() for token in tokens(tree)] for tree in trees]
    return leaves[0] == leaves[1]
