"""Names of libraries in a module: how they are said there, and how they come there."""

import ast
from collections.abc import Sequence

from bloomery.optimize.proposers.rewrites.program import Program


def with_imports(text: str, imports: Sequence[str]) -> str:
    """After the docstring and the imports that open the module, each on its line."""
    if not imports:
        return text
    lines = text.splitlines(keepends=True)
    at, plain = 0, True
    for statement in ast.parse(text).body:
        docstring = isinstance(statement, ast.Expr) and isinstance(statement.value, ast.Constant)
        if not (isinstance(statement, ast.Import | ast.ImportFrom) or (docstring and at == 0)):
            break
        at, plain = statement.end_lineno or 0, docstring
    added = "".join(f"{line}\n" for line in dict.fromkeys(imports))
    if at == 0:
        at = next((i for i, line in enumerate(lines) if not line.startswith("#")), len(lines))
        return "".join(lines[:at]) + added + "\n\n" + "".join(lines[at:]).lstrip("\n")
    return "".join(lines[:at]) + ("\n" if plain else "") + added + "".join(lines[at:])


def bound_once(program: Program, name: str) -> bool:
    bound = 0
    for node in ast.walk(program.tree):
        if (isinstance(node, ast.Name) and node.id == name and not isinstance(node.ctx, ast.Load)) or (
            isinstance(node, ast.arg) and node.arg == name
        ):
            bound += 2
        elif isinstance(node, ast.alias) and (node.asname or node.name).partition(".")[0] == name:
            bound += 1
        elif getattr(node, "name", None) == name and not isinstance(node, ast.alias):
            bound += 2
    return bound == 1
