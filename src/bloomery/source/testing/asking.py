"""Tests that a language model writes: each is taken apart, and is worth what it proves."""

import ast
from collections.abc import Iterator

from bloomery.source.testing.generated import Request, WriteBy
from bloomery.source.testing.mining import BUILTINS
from bloomery.source.testing.naming import unique
from bloomery.source.testing.writing import Written

MOST_TESTS = 40


def asked_of(write_by: WriteBy, request: Request, taken: set[str]) -> list[Written]:
    """The tests of what the model wrote that stand alone: plain functions without fixtures of their own."""
    try:
        tree = ast.parse(_unfenced(write_by(request)))
    except (SyntaxError, ValueError):
        return []
    imported = dict(_imported(tree, request.module))
    found = []
    for node in tree.body:
        if isinstance(node, ast.FunctionDef) and node.name.startswith("test_") and not node.args.args:
            used = {n.id for n in ast.walk(node) if isinstance(n, ast.Name) and isinstance(n.ctx, ast.Load)}
            own = {n.id for n in ast.walk(node) if isinstance(n, ast.Name) and isinstance(n.ctx, ast.Store)}
            own |= {n.arg for n in ast.walk(node) if isinstance(n, ast.arg)} | {"Exception"}
            if used - own - BUILTINS - _exceptions() <= imported.keys():
                node.name = unique(node.name, taken)
                needs = {name: imported[name] for name in used if name in imported}
                found.append(Written(node.name, ast.unparse(node) + "\n", needs, ""))
    return found[:MOST_TESTS]


def _unfenced(text: str) -> str:
    """Without the fence that models put around code."""
    lines = text.strip().splitlines()
    fences = [at for at, line in enumerate(lines) if line.startswith("```")]
    return "\n".join(lines[fences[0] + 1 : fences[1]]) if len(fences) > 1 else text


def _imported(tree: ast.Module, module: str) -> Iterator[tuple[str, str]]:
    for node in tree.body:
        if isinstance(node, ast.ImportFrom) and node.module and not node.level:
            home = "" if node.module == module else node.module
            yield from ((alias.name, home) for alias in node.names if not alias.asname)
        elif isinstance(node, ast.Import):
            yield from ((one.name, one.name) for one in node.names if not one.asname and "." not in one.name)


def _exceptions() -> set[str]:
    import builtins

    return {name for name, value in vars(builtins).items() if isinstance(value, type)}
