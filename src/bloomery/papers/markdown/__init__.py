"""A context as Markdown (one strict form written, four dialects read) and as JSON."""

import json
from pathlib import Path

from bloomery.core.config import build, to_plain
from bloomery.core.errors import FormatRefused
from bloomery.papers.context import Context
from bloomery.papers.markdown.reader import Read, read, read_file, read_text
from bloomery.papers.markdown.writer import write

__all__ = ["Read", "from_json", "read", "read_file", "read_text", "to_json", "write"]


def to_json(context: Context) -> str:
    """The JSON of a context; `from_json` makes the same context of it."""
    return json.dumps(to_plain(context), ensure_ascii=False, indent=2) + "\n"


def from_json(text: str, where: str | Path = "") -> Context:
    """The context of a JSON text.

    Raises: FormatRefused for what is no JSON, ConfigError for a field or value that the schema does not know.
    """
    try:
        values = json.loads(text)
    except json.JSONDecodeError as error:
        raise FormatRefused(
            f"{where or 'context'}:{error.lineno}: expected JSON: {error.msg}; correct it"
        ) from error
    return build(Context, values, where=str(where))
