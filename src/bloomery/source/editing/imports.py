"""Imports put into a module and taken out of it."""

from __future__ import annotations

import ast
import builtins
import symtable
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, NamedTuple

from bloomery.core.errors import UserError
from bloomery.source.editing.trees import printed, tree

if TYPE_CHECKING:
    import libcst as cst


class _Imported(NamedTuple):
    """`from module import name as alias`; without a name, `import module as alias`."""

    module: str
    name: str
    alias: str

    @property
    def binds(self) -> str:
        return self.alias or self.name or self.module.partition(".")[0]


def add_import(text: str, statement: str) -> str:
    """The text with the import on a line of its own, below the imports at its top; as it was where it has it.

    Raises: NotPython; UserError where the name stands for something else in the module.
    """
    module = tree(text)
    wanted = _imported(ast.parse(_one_import(statement)).body[0])
    there = {one for node in ast.parse(text).body for one in _imported(node)}
    if set(wanted) <= there:
        return text
    taken = _names(text)
    for one in wanted:
        others = {other for other in there if other.binds == one.binds}
        if one not in there and one.binds in taken and not _same_package(one, others):
            raise UserError(f"{statement}: the module uses {one.binds} for something else")
    return printed(_with_line(module, _one_import(statement)))


def remove_import(text: str, statement: str) -> str:
    """The text without what `statement` imports at the top level; comments above it stay.

    Raises: NotPython; UserError where it is not there, or what it imports is used.
    """
    import libcst as cst

    module = tree(text)
    unwanted = set(_imported(ast.parse(_one_import(statement)).body[0]))
    there = [one for node in ast.parse(text).body for one in _imported(node)]
    if missing := unwanted - set(there):
        raise UserError(f"no top-level {statement!r} in the text ({', '.join(one.binds for one in missing)})")
    left = {one.binds for one in there if one not in unwanted}
    for one in sorted(unwanted):
        if one.binds not in left and (line := _line_of_use(text, one.binds)):
            raise UserError(f"{statement}: {one.binds} is used in line {line}")
    body: list[cst.BaseStatement] = []
    pending: list[cst.EmptyLine] = []
    for node in module.body:
        kept = _without(node, unwanted) if isinstance(node, cst.SimpleStatementLine) else node
        if kept is None:
            pending += node.leading_lines
            continue
        above = [*pending, *kept.leading_lines]
        body.append(kept.with_changes(leading_lines=above) if pending else kept)
        pending = []
    return printed(module.with_changes(body=body, footer=[*pending, *module.footer]))


def _one_import(statement: str) -> str:
    parsed = tree(statement.strip() + "\n")
    body = ast.parse(parsed.code).body
    if len(body) != 1 or not _imported(body[0]):
        raise UserError(f"{statement!r}: expected one import of named things, such as `import heapq`")
    return parsed.code.strip()


def _imported(node: ast.stmt) -> list[_Imported]:
    if isinstance(node, ast.Import):
        return [_Imported(alias.name, "", alias.asname or "") for alias in node.names]
    if isinstance(node, ast.ImportFrom) and node.names[0].name != "*":
        module = "." * node.level + (node.module or "")
        return [_Imported(module, alias.name, alias.asname or "") for alias in node.names]
    return []


def _same_package(one: _Imported, others: set[_Imported]) -> bool:
    """`import os.path` beside `import os`: both bind the package."""
    plain = [not other.name and not other.alias for other in (one, *others)]
    return bool(others) and all(plain)


def _names(text: str) -> set[str]:
    """Names that the module's top level binds, and builtins that any of its scopes takes from there."""
    top = symtable.symtable(text, "text", "exec")
    bound = {one.get_name() for one in top.get_symbols() if one.is_assigned() or one.is_imported()}
    used = {node.id for node in ast.walk(ast.parse(text)) if isinstance(node, ast.Name)}
    return (
        bound
        | {one.get_name() for one in top.get_symbols() if one.is_namespace()}
        | (used & set(dir(builtins)))
    )


def _line_of_use(text: str, name: str) -> int | None:
    """The first line that reads the name, or that exports it; by name alone, whatever the scope."""
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, ast.Name) and node.id == name:
            return node.lineno
        if isinstance(node, ast.Assign) and "__all__" in {getattr(one, "id", "") for one in node.targets}:
            exported = {one.value for one in ast.walk(node.value) if isinstance(one, ast.Constant)}
            if name in exported:
                return node.lineno
    return None


def _with_line(module: cst.Module, statement: str) -> cst.Module:
    import libcst as cst

    new = cst.parse_module(statement + "\n").body[0]
    body = list(module.body)
    start = 1 if body and _is_docstring(body[0]) else 0
    at = start if statement.startswith("from __future__ ") else start + _leading_imports(body[start:])
    if at == start and start and not statement.startswith("from __future__ "):
        new = new.with_changes(leading_lines=[cst.EmptyLine(indent=False)])
    if at == start and at < len(body) and not _is_spaced(body[at]):
        blank = cst.EmptyLine(indent=False)
        body[at] = body[at].with_changes(leading_lines=[blank, *body[at].leading_lines])
    ends = module.has_trailing_newline or not body
    return module.with_changes(body=[*body[:at], new, *body[at:]], has_trailing_newline=ends)


def _leading_imports(body: Sequence[cst.BaseStatement]) -> int:
    import libcst as cst

    for count, node in enumerate(body):
        parts = node.body if isinstance(node, cst.SimpleStatementLine) else [node]
        if not all(isinstance(part, cst.Import | cst.ImportFrom) for part in parts):
            return count
    return len(body)


def _is_docstring(node: cst.BaseStatement) -> bool:
    import libcst as cst

    first = node.body[0] if isinstance(node, cst.SimpleStatementLine) else None
    return isinstance(first, cst.Expr) and isinstance(first.value, cst.SimpleString | cst.ConcatenatedString)


def _is_spaced(node: cst.BaseStatement) -> bool:
    lines = node.leading_lines  # type: ignore[attr-defined]
    return (bool(lines) and lines[0].comment is None) or _leading_imports([node]) == 1


def _without(node: cst.SimpleStatementLine, unwanted: set[_Imported]) -> cst.SimpleStatementLine | None:
    """The line without the unwanted names, or None where nothing of it is left."""
    import libcst as cst

    parts: list[cst.BaseSmallStatement] = []
    for part in node.body:
        if not isinstance(part, cst.Import | cst.ImportFrom) or isinstance(part.names, cst.ImportStar):
            parts.append(part)
            continue
        names = list(_left(part, unwanted))
        if len(names) == len(part.names):
            parts.append(part)
        elif names:
            if names[-1] is not part.names[-1]:
                names[-1] = _as_last(names[-1], part.names[-1])
            parts.append(part.with_changes(names=names))
    if not parts:
        return None
    if len(parts) == len(node.body) and all(a is b for a, b in zip(parts, node.body, strict=True)):
        return node
    parts[-1] = parts[-1].with_changes(semicolon=node.body[-1].semicolon)
    return node.with_changes(body=parts)


def _as_last(alias: cst.ImportAlias, last: cst.ImportAlias) -> cst.ImportAlias:
    """The name with the comma and the line end of the one that was last, and with its own comment."""
    import libcst as cst

    own, comma = alias.comma, last.comma
    if isinstance(comma, cst.Comma) and isinstance(comma.whitespace_after, cst.ParenthesizedWhitespace):
        first = cst.TrailingWhitespace()
        if isinstance(own, cst.Comma) and isinstance(own.whitespace_after, cst.ParenthesizedWhitespace):
            first = own.whitespace_after.first_line
        comma = comma.with_deep_changes(comma.whitespace_after, first_line=first)
    return alias.with_changes(comma=comma)


def _left(part: cst.Import | cst.ImportFrom, unwanted: set[_Imported]) -> Iterator[cst.ImportAlias]:
    import libcst as cst

    code = cst.Module(body=[]).code_for_node
    known = _imported(ast.parse(code(part.with_changes(semicolon=cst.MaybeSentinel.DEFAULT))).body[0])
    for alias, one in zip(part.names, known, strict=True):  # type: ignore[arg-type]
        if one not in unwanted:
            yield alias
