"""Values that the sources themselves name: constants with neighbours, docstring examples, calls in tests."""

import ast
import doctest
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field

FROM_OBJECTS = ("nan", "inf")
BUILTINS = frozenset({
    "abs", "all", "any", "bool", "bytes", "chr", "dict", "enumerate", "float", "frozenset", "int",
    "iter", "len", "list", "map", "max", "min", "object", "ord", "range", "reversed", "round", "set",
    "sorted", "str", "sum", "tuple", "zip", "True", "False", "None", "bytearray", "complex", "divmod",
    "hex",
})  # fmt: skip
Arguments = tuple[tuple[str, str], ...]  # a name (or "" for a place) and an expression


@dataclass
class Mined:
    """Constants by type, as expressions; `calls` by function."""

    ints: list[str] = field(default_factory=list)
    floats: list[str] = field(default_factory=list)
    strings: list[str] = field(default_factory=list)
    calls: dict[str, list[Arguments]] = field(default_factory=dict)


def mine(trees: Iterable[ast.Module], tests: Iterable[ast.Module], names: Iterable[str]) -> Mined:
    found = Mined()
    trees, tests, names = list(trees), list(tests), list(names)
    for node in (node for tree in trees for node in ast.walk(tree)):
        if isinstance(node, ast.Constant):
            _constant(node.value, found)
    known = {name for tree in trees for name in _module_names(tree)}
    for name in names:
        short = name.rpartition(".")[2]
        sources = [*tests, *(tree for one in trees for tree in _examples(one, short))]
        found.calls[name] = list(
            dict.fromkeys(call for tree in sources for call in calls(tree, short, known))
        )
    for one in (found.ints, found.floats, found.strings):
        one[:] = list(dict.fromkeys(one))[:60]
    return found


def _constant(value: object, found: Mined) -> None:
    if isinstance(value, bool) or value is None:
        return
    if isinstance(value, int):
        found.ints += [str(near) for near in (value, value - 1, value + 1, -value, value * 2)]
        found.floats.append(repr(float(value)) if abs(value) < 10**300 else "1e300")
    elif isinstance(value, float):
        found.floats += [repr(value), repr(-value), repr(value * 2)]
    elif isinstance(value, str) and 0 < len(value) < 40 and value.isprintable() | (len(value) < 4):
        found.strings += [repr(text) for text in (value, value * 2, "x" + value, value + "y", value[:-1])]


def _module_names(tree: ast.Module) -> Iterator[str]:
    for node in tree.body:
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
            yield node.name


def _examples(tree: ast.Module, name: str) -> Iterator[ast.Module]:
    for node in ast.walk(tree):
        if not isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef | ast.Module):
            continue
        text = ast.get_docstring(node)
        if not text or ">>>" not in text or name not in text:
            continue
        try:
            for example in doctest.DocTestParser().get_examples(text):
                yield ast.parse(example.source)
        except (ValueError, SyntaxError):
            continue


def calls(tree: ast.Module, name: str, known: set[str]) -> Iterator[Arguments]:
    """Arguments of the calls of `name` that can be evaluated away from where they stand."""
    assigned = _assigned(tree)
    for node in ast.walk(tree):
        if not isinstance(node, ast.Call) or _called(node) != name:
            continue
        values = [("", one) for one in node.args] + [(k.arg or "**", k.value) for k in node.keywords]
        values = [
            (key, assigned.get(one.id, one) if isinstance(one, ast.Name) else one) for key, one in values
        ]
        if any(key == "**" or isinstance(one, ast.Starred) for key, one in values):
            continue
        if all(closed(one, known) for _, one in values):
            yield tuple((key, ast.unparse(one)) for key, one in values)


def _assigned(tree: ast.Module) -> dict[str, ast.expr]:
    """Names that are bound once, to a plain expression."""
    found: dict[str, list[ast.expr]] = {}
    for node in ast.walk(tree):
        if isinstance(node, ast.Assign) and len(node.targets) == 1 and isinstance(node.targets[0], ast.Name):
            found.setdefault(node.targets[0].id, []).append(node.value)
    return {name: values[0] for name, values in found.items() if len(values) == 1}


def closed(node: ast.expr, known: set[str]) -> bool:
    """Whether an expression means the same anywhere: only built-ins, names of the module, and its own."""
    own = {a.arg for n in ast.walk(node) if isinstance(n, ast.Lambda) for a in n.args.args}
    own |= {n.id for n in ast.walk(node) if isinstance(n, ast.Name) and isinstance(n.ctx, ast.Store)}
    allowed = BUILTINS | known | own | set(FROM_OBJECTS)
    used = {n.id for n in ast.walk(node) if isinstance(n, ast.Name) and isinstance(n.ctx, ast.Load)}
    refused = (ast.Await, ast.Yield, ast.YieldFrom, ast.NamedExpr)
    return used <= allowed and not any(isinstance(n, refused) for n in ast.walk(node))


def _called(node: ast.Call) -> str:
    return node.func.attr if isinstance(node.func, ast.Attribute) else getattr(node.func, "id", "")
