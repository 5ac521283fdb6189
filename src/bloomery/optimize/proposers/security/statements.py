"""Values given to SQLite beside the statement instead of inside of it."""

import ast
import re
from collections.abc import Iterator

from bloomery.optimize.proposers.robustness.source import Source
from bloomery.optimize.proposers.security.fix import Fix, fix, replaced
from bloomery.optimize.proposers.security.shells import Part, parts

METHODS = ("execute",)
VALUE = re.compile(r"(?:=|<|>|\blike|\blimit|\boffset|\b(?:values|in)\s*\((?:[^()]*,)?)\s*$", re.IGNORECASE)
GOES_ON = re.compile(r"[\w.(]")
FIRST, LAST = re.compile(r"\(\s*'?\?\s*$"), re.compile(r"'?\s*\)")
"""Around a value that is alone in parentheses: it may be a whole list in one text."""
STATEMENT = re.compile(r"\s*(?:select|insert|update|delete|replace)\b", re.IGNORECASE)


def bound(source: Source) -> Iterator[Fix]:
    """A statement with values in it, all where SQL takes a value, in a module that speaks to sqlite3."""
    if "sqlite3" not in source.imported.values():
        return
    for call in ast.walk(source.tree):
        if not (isinstance(call, ast.Call) and isinstance(call.func, ast.Attribute)):
            continue
        if call.func.attr in METHODS and len(call.args) == 1 and not call.keywords:
            told = _bound(_formatted(call.args[0]))
            if told is not None:
                statement, values = told
                given = ", ".join(map(ast.unparse, values))  # places within an f-string are not to be trusted
                given += "," if len(values) == 1 else ""
                edit = replaced(source, call.args[0], f"{statement!r}, ({given})")
                yield fix(source, call, "what is put into the statement is read as SQL", edit)


def _formatted(node: ast.expr) -> list[Part] | None:
    """As `parts`, and `text % value` with nothing but %s in it."""
    if not (isinstance(node, ast.BinOp) and isinstance(node.op, ast.Mod)):
        return parts(node)
    if not (isinstance(node.left, ast.Constant) and isinstance(node.left.value, str)):
        return None
    values = node.right.elts if isinstance(node.right, ast.Tuple) else [node.right]
    pieces = re.split(r"%s", node.left.value)
    if len(pieces) != len(values) + 1 or any("%" in one for one in pieces):
        return None
    found: list[Part] = [pieces[0]]
    for value, piece in zip(values, pieces[1:], strict=True):
        found += [value, piece]
    return found


def _bound(found: list[Part] | None) -> tuple[str, list[ast.expr]] | None:
    """The statement with a mark in each value's place; a value in quotes loses them."""
    values = [
        one.value if isinstance(one, ast.FormattedValue) else one
        for one in found or ()
        if isinstance(one, ast.expr)
    ]
    if not found or not values or not isinstance(found[0], str) or not STATEMENT.match(found[0]):
        return None
    text = ""
    for at, one in enumerate(found):
        if isinstance(one, str):
            if at > 0 and (GOES_ON.match(one) or (FIRST.search(text) and LAST.match(one))):
                return None
            opened = at > 0 and text.endswith("'?") and one.startswith("'")
            text = text[:-2] + "?" + one[1:] if opened else text + one
        elif VALUE.search(text) or (text.endswith("'") and VALUE.search(text[:-1])):
            text += "?"
        else:
            return None
    plain = re.sub(r"'[^']*'", "", text)
    return (text, values) if "'" not in plain and plain.count("?") == text.count("?") == len(values) else None
