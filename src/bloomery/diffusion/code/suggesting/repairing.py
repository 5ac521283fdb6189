"""What a person would change without asking what the code is for."""

import subprocess
import sys
from collections.abc import Iterator
from importlib.util import find_spec

from bloomery.core.errors import UserError
from bloomery.diffusion.code.lexemes.lexicons import lexicon
from bloomery.diffusion.code.lexemes.lexing import lexed
from bloomery.diffusion.code.mending.mend import Mended, mend
from bloomery.source.languages.formatting import format_text, is_installed
from bloomery.source.languages.parsing import nodes, parse
from bloomery.source.languages.registry import language as known_language

_RUFF = ("-m", "ruff", "check", "--isolated", "--no-cache", "--fix", "--exit-zero", "--quiet")
_RULES = ("--select=E,W,F", "--stdin-filename=text.py", "-")


def repairs(text: str, language: str) -> Iterator[tuple[str, str]]:
    """Texts with the reason for each: what does not parse mended, then what linters and formatters change.

    Raises: UnknownName.
    """
    mended = mend(text, language)
    if isinstance(mended, Mended) and mended.edits:
        yield mended.text, "it does not parse: " + "; ".join(map(str, mended.edits))
    elif isinstance(mended, Mended):
        yield from _by_tools(text, language)


def _by_tools(text: str, language: str) -> Iterator[tuple[str, str]]:
    if language == "python":
        if find_spec("ruff"):
            yield _linted(text), "what ruff finds and mends safely (rules E, W and F)"
        yield _with_causes(text), "what is raised in a handler says what it was raised from"
    yield _trimmed(text, language), "blanks at the end of lines, and a last line without its end"
    if is_installed(known_language(language)):
        try:
            yield format_text(text, known_language(language)), "the layout of the language's formatter"
        except UserError:
            return


def _linted(text: str) -> str:
    command = [sys.executable, *_RUFF, *_RULES]
    done = subprocess.run(command, input=text.encode(), capture_output=True, check=False)
    return done.stdout.decode() if done.returncode == 0 and done.stdout else text


def _trimmed(text: str, language: str) -> str:
    """As it was where a text over several lines would change."""
    found = "\n".join(line.rstrip() for line in text.rstrip().split("\n")) + "\n"
    return found if _lexemes(found, language) == _lexemes(text, language) else text


def _lexemes(text: str, language: str) -> list[str]:
    raw = text.encode("utf-8", "surrogateescape").decode("latin-1")
    found = lexed(raw, lexicon(language))[0]
    return [one.text.rstrip() if one.shape == "comment" else one.text for one in found]


def _with_causes(text: str) -> str:
    """`from error` after each `raise Other(...)` in `except ... as error`."""
    source = parse(text, known_language("python"))
    places = []
    for handler in nodes(source.root):
        if handler.type != "except_clause":
            continue
        targets = [source.text_of(one) for one in nodes(handler) if one.type == "as_pattern_target"]
        for node in nodes(handler):
            raised = node.named_children if node.type == "raise_statement" else []
            is_new = len(raised) == 1 and raised[0].type == "call"
            if targets and is_new and not node.child_by_field_name("cause"):
                places.append((source.offset(node.end_byte), f" from {targets[0]}"))
    for place, words in sorted(set(places), reverse=True):
        text = text[:place] + words + text[place:]
    return text
