"""Changed texts in the languages that are known here."""

from bloomery.core.errors import FormatRefused
from bloomery.source.languages.parsing import Source, parse
from bloomery.source.languages.registry import is_source, language_of


def source(path: str, text: str | None) -> Source | None:
    """None where there is no text, its language is not known, or it is more than is parsed."""
    if text is None or not is_source(path):
        return None
    try:
        return parse(text, language_of(path), path=path)
    except FormatRefused:
        return None
