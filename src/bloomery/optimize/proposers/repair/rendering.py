"""The text of a file with an edit in it: nothing but the changed expression or statement is written anew."""

import ast
import copy
from collections.abc import Iterator, Sequence
from typing import Any

from bloomery.optimize.proposers.repair.edits import Change, applied


def rendered(text: str, tree: ast.Module, changes: Sequence[Change]) -> str | None:
    """None where the edit's text would not read as the tree that was tried."""
    with applied(changes):
        try:
            wanted = ast.dump(ast.parse(ast.unparse(ast.fix_missing_locations(copy.deepcopy(tree)))))
        except (SyntaxError, ValueError):
            return None
    for version in _versions(text, changes):
        try:
            if ast.dump(ast.parse(version)) == wanted:
                return version
        except (SyntaxError, ValueError):
            continue
    with applied(changes):
        return ast.unparse(ast.fix_missing_locations(copy.deepcopy(tree))) + "\n"


def _versions(text: str, changes: Sequence[Change]) -> Iterator[str]:
    """The text with all changes, later ones first, by each way of writing them."""
    for bracketed in (False, True):
        version: str | None = text
        for change in sorted(changes, key=_start, reverse=True):
            version = _one(version, change, bracketed=bracketed) if version is not None else None
        if version is not None:
            yield version


def _start(change: Change) -> tuple[int, int, int]:
    nodes = change.old or (change.parent,)
    line, column = getattr(nodes[0], "lineno", 0), getattr(nodes[0], "col_offset", 0)
    return line, column, change.start or 0


def _one(text: str, change: Change, *, bracketed: bool) -> str | None:
    old = change.old
    if any(isinstance(node, ast.stmt) for node in (*old, *change.new)):
        return _statements(text, change)
    if len(old) != 1 or not hasattr(old[0], "end_lineno"):
        return None
    written = ast.unparse(ast.fix_missing_locations(copy.deepcopy(change.new[0]))) if change.new else ""
    start, end = _span(text, old[0])
    return text[:start] + (f"({written})" if bracketed else written) + text[end:]


def _span(text: str, node: ast.AST) -> tuple[int, int]:
    lines = text.splitlines(keepends=True)
    first, last = node.lineno - 1, node.end_lineno - 1  # type: ignore[attr-defined]
    start = sum(map(len, lines[:first])) + _characters(lines[first], node.col_offset)  # type: ignore[attr-defined]
    end = sum(map(len, lines[:last])) + _characters(lines[last], node.end_col_offset)  # type: ignore[attr-defined]
    return start, end


def _characters(line: str, column: int) -> int:
    return len(line.encode()[:column].decode())


def _statements(text: str, change: Change) -> str | None:
    """Lines of statements replaced, taken out or put in; unchanged ones keep their text."""
    block = getattr(change.parent, change.field)
    if not block or not isinstance(block[0], ast.stmt):
        return None
    old = change.old
    near: Any = old[0] if old else block[min(change.start or 0, len(block) - 1)]
    lines = text.splitlines(keepends=True)
    indent = lines[near.lineno - 1][: near.col_offset]
    if indent.strip():
        return None  # several statements on a line
    written = "".join(_written(lines, node, indent, kept=node in old) for node in change.new)
    if old:
        first, last = _first(old[0]), old[-1].end_lineno  # type: ignore[attr-defined]
    elif (change.start or 0) < len(block):
        first = _first(near)
        last = first - 1
    else:
        last = near.end_lineno
        first = last + 1
    return "".join(lines[: first - 1]) + written + "".join(lines[last:])


def _first(node: ast.AST) -> int:
    decorators = getattr(node, "decorator_list", [])
    return min([node.lineno, *(one.lineno for one in decorators)])  # type: ignore[attr-defined]


def _written(lines: list[str], node: ast.AST, indent: str, *, kept: bool) -> str:
    if kept:
        return "".join(lines[_first(node) - 1 : node.end_lineno])  # type: ignore[attr-defined]
    plain = ast.unparse(ast.fix_missing_locations(copy.deepcopy(node)))
    return "".join(f"{indent}{line}\n" for line in plain.splitlines())
