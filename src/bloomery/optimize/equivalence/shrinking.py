"""Smaller inputs that a counter-example could be made of, the smallest first."""

import ast
from collections.abc import Iterator
from copy import deepcopy
from dataclasses import replace

from bloomery.optimize.equivalence.trials import Step

MOST = 60
MANY, FEW = 400, 12  # of a large value only the outer parts are made smaller


def smaller(steps: tuple[Step, ...]) -> list[tuple[Step, ...]]:
    """Without a step, or with one value made smaller in one place."""
    found = [steps[:at] + steps[at + 1 :] for at in range(len(steps)) if len(steps) > 1]
    for at, step in enumerate(steps):
        for place, (name, text) in enumerate(step.lets):
            for shorter in simplified(text):
                lets = (*step.lets[:place], (name, shorter), *step.lets[place + 1 :])
                found.append((*steps[:at], replace(step, lets=lets), *steps[at + 1 :]))
    found = [one for one in dict.fromkeys(found) if size(one) < size(steps)]
    found.sort(key=size)
    return found if len(found) <= MOST else found[:: len(found) // MOST + 1]


def size(steps: tuple[Step, ...]) -> tuple[int, int]:
    """By length, then by how far the numbers are from nought."""
    text = " ".join(t for step in steps for _, t in step.lets)
    return sum(step.length + 20 for step in steps), sum(map(ord, text))


def simplified(text: str) -> list[str]:
    tree = ast.parse(text, mode="eval")
    out = []
    nodes = list(ast.walk(tree))
    for index, node in enumerate(nodes if len(nodes) <= MANY else nodes[:FEW]):
        for change in _changes(node):
            copied = deepcopy(tree)
            target = list(ast.walk(copied))[index]
            replacement = change(target)
            out.append(ast.unparse(_Put(target, replacement).visit(copied)))
    return list(dict.fromkeys(one for one in out if one != text))


class _Put(ast.NodeTransformer):
    def __init__(self, target: ast.AST, replacement: ast.AST) -> None:
        self.target, self.replacement = target, replacement

    def visit(self, node: ast.AST) -> ast.AST:
        return self.replacement if node is self.target else self.generic_visit(node)


def _changes(node: ast.AST) -> Iterator:
    if isinstance(node, ast.List | ast.Tuple | ast.Set):
        for at in range(len(node.elts)):
            if len(node.elts) > 1 or not isinstance(node, ast.Set):
                yield lambda n, at=at: _without(n, "elts", at)
        if len(node.elts) > 3:
            yield lambda n: type(n)(**{**vars(n), "elts": n.elts[: len(n.elts) // 2]})
            yield lambda n: type(n)(**{**vars(n), "elts": n.elts[len(n.elts) // 2 :]})
    elif isinstance(node, ast.Dict):
        for at in range(len(node.keys)):
            yield lambda n, at=at: _without(_without(n, "keys", at), "values", at)
    elif isinstance(node, ast.Constant):
        yield from (lambda n, value=value: ast.Constant(value) for value in _constants(node.value))
    elif isinstance(node, ast.UnaryOp | ast.BinOp):
        yield lambda n: n.operand if isinstance(n, ast.UnaryOp) else n.left
    elif isinstance(node, ast.Call) and len(node.args) == 1 and not node.keywords:
        yield lambda n: n.args[0]


def _without(node: ast.AST, name: str, at: int) -> ast.AST:
    held = list(getattr(node, name))
    del held[at]
    setattr(node, name, held)
    return node


def _constants(value: object) -> Iterator[object]:
    if isinstance(value, bool) or value is None:
        return
    if isinstance(value, int):
        yield from (v for v in dict.fromkeys((0, 1, 2, value // 2, value - 1)) if 0 <= v < value)
    elif isinstance(value, float):
        yield from (v for v in (0.0, 1.0, 0.5, round(value, 1)) if v != value)
    elif isinstance(value, str) and value:
        yield from dict.fromkeys(
            ("", value[: len(value) // 2], value[len(value) // 2 :], value[1:], value[:-1])
        )
