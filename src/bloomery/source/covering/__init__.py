"""Which tests run which lines: recorded here; `reading` takes coverage.py's JSON, `gaps` and `page` tell."""

from bloomery.source.covering.lines import Covered, Lines, body_lines, code_lines, cover

__all__ = ["Covered", "Lines", "body_lines", "code_lines", "cover"]
