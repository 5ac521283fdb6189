"""Literals read without evaluating whatever else the text says."""

import ast
from collections.abc import Iterator

from bloomery.optimize.proposers.robustness.source import Source
from bloomery.optimize.proposers.security.fix import Fix, calls, fix, is_plain, replaced


def literal(source: Source) -> Iterator[Fix]:
    """`eval` of one text: for a constant that is a literal the same value; else tests have to say."""
    for call in calls(source, "eval"):
        if not (is_plain(call) and len(call.args) == 1 and not call.keywords):
            continue
        given = call.args[0]
        is_text = isinstance(given, ast.Constant) and isinstance(given.value, str)
        if isinstance(given, ast.Constant) and not (is_text and _is_literal(str(given.value))):
            continue
        edit = replaced(source, call.func, "ast.literal_eval")
        why = "eval runs whatever the text says"
        yield fix(source, call, why, edit, imports="import ast", proven=is_text)


def _is_literal(text: str) -> bool:
    try:
        ast.literal_eval(text)
    except (ValueError, SyntaxError, TypeError, MemoryError, RecursionError):
        return False
    return True
