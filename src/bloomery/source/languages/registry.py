"""The languages there are: one entry here adds one."""

from pathlib import PurePath

from bloomery.core.errors import UnknownName
from bloomery.source.languages.go import GO
from bloomery.source.languages.java import JAVA
from bloomery.source.languages.javascript import JAVASCRIPT, TSX, TYPESCRIPT
from bloomery.source.languages.language import Language
from bloomery.source.languages.python import PYTHON

LANGUAGES = {language.name: language for language in (PYTHON, JAVASCRIPT, TYPESCRIPT, TSX, JAVA, GO)}


def language(name: str) -> Language:
    """Raises: UnknownName."""
    if name not in LANGUAGES:
        raise UnknownName("language", name, LANGUAGES)
    return LANGUAGES[name]


def language_of(path: PurePath | str) -> Language:
    """The language of a file by its suffix.

    Raises: UnknownName.
    """
    suffix = PurePath(path).suffix.lower()
    for known in LANGUAGES.values():
        if suffix in known.suffixes:
            return known
    suffixes = [suffix for known in LANGUAGES.values() for suffix in known.suffixes]
    raise UnknownName(f"source file: {path} with suffix", suffix, suffixes)


def is_source(path: PurePath | str) -> bool:
    suffix = PurePath(path).suffix.lower()
    return any(suffix in known.suffixes for known in LANGUAGES.values())
