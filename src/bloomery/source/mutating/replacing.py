"""A node with some of its fields changed."""

import ast
import copy
from collections.abc import Iterator

Replacements = Iterator[ast.AST]


def changed(node: ast.AST, **fields: object) -> ast.AST:
    made = copy.copy(node)
    for name, value in fields.items():
        setattr(made, name, value)
    return made
