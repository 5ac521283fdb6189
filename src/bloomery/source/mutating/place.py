"""What an operator has to know of the function around a node."""

import ast
from collections.abc import Iterator


class Place:
    """The surroundings of the nodes of one function."""

    def __init__(self, function: ast.AST) -> None:
        self.parents = {inner: outer for outer in ast.walk(function) for inner in ast.iter_child_nodes(outer)}
        self.indices = {name for node in ast.walk(function) for name in _counted(node)}
        self.parameters = {node.arg for node in ast.walk(function) if isinstance(node, ast.arg)}
        self.bindings = [
            (node.lineno, node.id)
            for node in ast.walk(function)
            if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store)
        ]

    def bound_before(self, name: str, line: int) -> bool:
        return name in self.parameters or any(known == name and at < line for at, known in self.bindings)


def _counted(node: ast.AST) -> Iterator[str]:
    """Names that a loop over `range` or `enumerate` counts with."""
    match node:
        case (
            ast.For(target=ast.Name(id=name), iter=ast.Call(func=ast.Name(id="range")))
            | ast.comprehension(target=ast.Name(id=name), iter=ast.Call(func=ast.Name(id="range")))
            | ast.For(
                target=ast.Tuple(elts=[ast.Name(id=name), *_]), iter=ast.Call(func=ast.Name(id="enumerate"))
            )
        ):
            yield name
