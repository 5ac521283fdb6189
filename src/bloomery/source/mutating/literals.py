"""Numbers in a tree, and other numbers to put in their place."""

import ast

SMALL = 1e-4  # below: a guard against zero, which is taken away


def number(node: ast.AST) -> int | float | None:
    match node:
        case ast.Constant(value=bool()):
            return None
        case ast.Constant(value=int() | float() as value):
            return value
        case ast.UnaryOp(op=ast.USub(), operand=ast.Constant(value=int() | float() as value)):
            return -value
    return None


def literal(value: int | float) -> ast.expr:
    plain = ast.Constant(abs(value))
    return ast.UnaryOp(ast.USub(), plain) if value < 0 else plain


def another(value: float) -> float:
    """0.9 to 0.8, 0.1 to 0.2, 1e-6 to 0, 2.0 to 3.0, 2.5 to 3.75."""
    size = abs(value)
    if size in (0.0, float("inf")) or value != value:
        return 1.0
    if size < SMALL:
        return 0.0
    if size < 1:
        changed = round(size - 0.1, 10) if size >= 0.2 else 2 * size
    else:
        changed = size + 1 if size.is_integer() else 1.5 * size
    return changed if value > 0 else -changed
