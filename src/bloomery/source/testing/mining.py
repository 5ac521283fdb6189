"""Values that a module itself names, and calls that somebody wrote."""

import ast
import doctest
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from bloomery.source.python import FUNCTION, called_name

MOST = 48
BUILTINS = frozenset({
    "abs", "all", "any", "bool", "bytes", "chr", "dict", "enumerate", "float", "frozenset", "int", "iter",
    "len", "list", "max", "min", "ord", "range", "reversed", "round", "set", "sorted", "str", "sum", "tuple",
    "zip", "True", "False", "None", "bytearray", "complex", "divmod",
})  # fmt: skip


@dataclass(frozen=True)
class Mined:
    """Constants as expressions, those of decisions first; `sizes`: lengths that collections are asked for."""

    ints: tuple[str, ...]
    floats: tuple[str, ...]
    strings: tuple[str, ...]
    sizes: tuple[int, ...]


def mine(tree: ast.Module) -> Mined:
    """Constants with their neighbours: those in comparisons first, then products of moduli, then the rest."""
    ints: list[int] = []
    floats: list[float] = []
    strings: list[str] = []
    sizes: list[int] = []
    moduli: list[int] = []
    for constant, place in _constants(tree):
        if isinstance(constant, bool):
            continue
        if isinstance(constant, int):
            if place == "size" and 0 <= constant <= 40:
                sizes += [constant, constant + 1, max(0, constant - 1)]
            moduli += [constant] if place == "modulus" and 1 < constant < 10_000 else []
            ints += [constant, constant - 1, constant + 1, -constant, 2 * constant]
            floats += [float(constant)] if abs(constant) < 10**15 else []
        elif isinstance(constant, float):
            floats += [constant, constant + 0.5, constant - 0.5, -constant]
        elif isinstance(constant, str) and 0 < len(constant) < 40:
            strings += [constant, f"{constant}x", f"x{constant}", f"ab{constant}cd", constant * 2]
            strings += [constant.upper(), constant.lower()] if constant.isalpha() else []
    ints += [a * b for a in moduli[:4] for b in moduli[:4] if a < b]
    return Mined(_texts(ints), _texts(floats), _texts(strings), tuple(dict.fromkeys(sizes))[:12])


def _texts(values: Iterable[object]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(map(repr, values)))[:MOST]


def _constants(tree: ast.Module) -> Iterator[tuple[object, str]]:
    """Constants and what they stand in; those of comparisons come first."""
    later: list[tuple[object, str]] = []
    silent = set(_silent(tree))
    compared: set[int] = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Compare):
            sized = any(isinstance(one, ast.Call) and called_name(one) == "len" for one in ast.walk(node))
            for one in ast.walk(node):
                if isinstance(one, ast.Constant) and one.value != "__main__":
                    compared.add(id(one))
                    yield one.value, "size" if sized else "comparison"
        elif isinstance(node, ast.BinOp) and isinstance(node.op, ast.Mod):
            later.append((getattr(node.right, "value", None), "modulus"))
        elif isinstance(node, ast.Constant) and id(node) not in compared and id(node) not in silent:
            later.append((node.value, "other"))
    yield from later


def _silent(tree: ast.Module) -> Iterator[int]:
    """Constants that say nothing of values: docstrings, annotations, the name of a script."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant):
            yield id(node.value)
        for name in ("annotation", "returns"):
            inner = getattr(node, name, None)
            yield from (id(one) for one in ast.walk(inner)) if isinstance(inner, ast.expr) else ()
        if isinstance(node, ast.Constant) and node.value == "__main__":
            yield id(node)


def examples(tree: ast.Module) -> Iterator[ast.Module]:
    """The docstring examples, one tree each; one that is no Python is left out."""
    for node in ast.walk(tree):
        if not isinstance(node, (*FUNCTION, ast.ClassDef, ast.Module)):
            continue
        text = ast.get_docstring(node) or ""
        if ">>>" not in text:
            continue
        try:
            found = doctest.DocTestParser().get_examples(text)
            yield ast.parse("".join(example.source for example in found))
        except (ValueError, SyntaxError):
            continue


def calls(tree: ast.Module, known: frozenset[str]) -> Iterator[tuple[tuple[str, ...], ast.Call]]:
    """Calls with what they need to be said before: straight-line statements of the same body.

    Only what means the same elsewhere: built-ins, names of the module under test, and what the body binds.
    """
    for body in _bodies(tree):
        bound: dict[str, str] = {}
        for statement in body:
            for node in ast.walk(statement):
                if isinstance(node, ast.Call) and _closed(node, known | bound.keys()):
                    yield tuple(_needed(node, bound)), node
            if (
                isinstance(statement, ast.Assign)
                and isinstance(statement.targets[0], ast.Name)
                and _closed(statement.value, known | bound.keys())
            ):
                name = statement.targets[0].id
                before = list(_needed(statement.value, bound))
                bound[name] = "\n".join([*before, ast.unparse(statement)])


def _bodies(tree: ast.Module) -> Iterator[list[ast.stmt]]:
    for node in ast.walk(tree):
        if isinstance(node, (ast.Module, *FUNCTION)):
            yield node.body


def _needed(node: ast.expr, bound: dict[str, str]) -> Iterator[str]:
    seen: set[str] = set()
    for one in ast.walk(node):
        if isinstance(one, ast.Name) and one.id in bound:
            for line in bound[one.id].splitlines():
                if line not in seen:
                    seen.add(line)
                    yield line


def _closed(node: ast.expr, known: frozenset[str] | set[str]) -> bool:
    own = {a.arg for n in ast.walk(node) if isinstance(n, ast.Lambda) for a in n.args.args}
    own |= {n.id for n in ast.walk(node) if isinstance(n, ast.Name) and isinstance(n.ctx, ast.Store)}
    used = {n.id for n in ast.walk(node) if isinstance(n, ast.Name) and isinstance(n.ctx, ast.Load)}
    refused = (ast.Await, ast.Yield, ast.YieldFrom, ast.NamedExpr)
    return used <= BUILTINS | known | own and not any(isinstance(n, refused) for n in ast.walk(node))
