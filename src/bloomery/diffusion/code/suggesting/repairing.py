"""What a person would change without asking what the code is for."""

import subprocess
import sys
from collections.abc import Iterator
from importlib.util import find_spec

from tree_sitter import Node

from bloomery.core.errors import UserError
from bloomery.diffusion.code.lexemes.lexicons import LEXICONS, lexicon
from bloomery.diffusion.code.lexemes.lexing import lexed
from bloomery.diffusion.code.mending.mend import Mended, mend
from bloomery.source.languages.faults import faults
from bloomery.source.languages.formatting import format_text, is_installed
from bloomery.source.languages.parsing import nodes, parse
from bloomery.source.languages.registry import language as known_language

_RUFF = ("-m", "ruff", "check", "--isolated", "--no-cache", "--fix", "--exit-zero", "--quiet")
_RULES = ("--select=E,W,F", "--unfixable=F401,F811,F841")  # those take away names that others may ask for
_OTHERS = frozenset({"function_definition", "class_definition", "lambda", "except_clause"})


def repairs(text: str, language: str, path: str = "") -> Iterator[tuple[str, str]]:
    """Texts with the reason for each: what does not parse mended, then what linters and formatters change.

    No import, definition or assignment is taken away: what seems unused may be asked for by others.

    Raises: UnknownName.
    """
    mended = mend(text, language) if language in LEXICONS else _as_it_is(text, language)
    if isinstance(mended, Mended) and mended.edits:
        yield mended.text, "it does not parse: " + "; ".join(map(str, mended.edits))
    elif isinstance(mended, Mended):
        yield from _by_tools(text, language, path)


def _as_it_is(text: str, language: str) -> Mended | None:
    """What parses, in a language whose lexemes are not known: nothing is mended there."""
    return None if faults(parse(text, known_language(language))) else Mended(text, ())


def _by_tools(text: str, language: str, path: str) -> Iterator[tuple[str, str]]:
    if language == "python":
        if find_spec("ruff"):
            yield _linted(text, path), "what ruff finds and mends safely (rules E, W and F)"
        yield _with_causes(text), "what is raised in a handler says what it was raised from"
    yield _trimmed(text, language), "blanks at the end of lines, and a last line without its end"
    if is_installed(known_language(language)):
        try:
            yield format_text(text, known_language(language)), "the layout of the language's formatter"
        except UserError:
            return


def _linted(text: str, path: str) -> str:
    command = [sys.executable, *_RUFF, *_RULES, f"--stdin-filename={path or 'text.py'}", "-"]
    done = subprocess.run(command, input=text.encode(), capture_output=True, check=False)
    return done.stdout.decode() if done.returncode == 0 and done.stdout else text


def _trimmed(text: str, language: str) -> str:
    """As it was where a text over several lines would change."""
    found = "\n".join(line.rstrip() for line in text.rstrip().split("\n")) + "\n"
    return found if _lexemes(found, language) == _lexemes(text, language) else text


def _lexemes(text: str, language: str) -> list[str]:
    if language not in LEXICONS:
        source = parse(text, known_language(language))
        return [source.text_of(node) for node in nodes(source.root) if not node.children]
    raw = text.encode("utf-8", "surrogateescape").decode("latin-1")
    found = lexed(raw, lexicon(language))[0]
    return [one.text.rstrip() if one.shape == "comment" else one.text for one in found]


def _with_causes(text: str) -> str:
    """`from error` after each `raise Other(...)` that stands in `except ... as error` itself.

    Not in a function or class within it, which runs at another time, nor where an inner handler has the word.
    """
    source = parse(text, known_language("python"))
    places = [
        (source.offset(node.end_byte), f" from {source.text_of(name)}")
        for handler in nodes(source.root)
        if handler.type == "except_clause" and (name := _caught(handler)) is not None
        for node in _run_by(handler)
        if _raises_anew(node)
    ]
    for place, words in sorted(places, reverse=True):
        text = text[:place] + words + text[place:]
    return text


def _caught(handler: Node) -> Node | None:
    """The name in its own `except ... as name`."""
    pattern = next((one for one in handler.named_children if one.type == "as_pattern"), None)
    return pattern.child_by_field_name("alias") if pattern else None


def _run_by(node: Node) -> Iterator[Node]:
    """What stands in a handler without what runs later or is another handler's."""
    for child in node.named_children:
        if child.type not in _OTHERS:
            yield child
            yield from _run_by(child)


def _raises_anew(node: Node) -> bool:
    raised = node.named_children if node.type == "raise_statement" else []
    return len(raised) == 1 and raised[0].type == "call" and not node.child_by_field_name("cause")
