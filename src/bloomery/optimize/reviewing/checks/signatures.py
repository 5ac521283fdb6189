"""How public functions, methods and classes are called, read from the text."""

import ast
from collections.abc import Iterator
from dataclasses import dataclass

from bloomery.source.python import Function, definitions

VARIED = ("vararg", "kwarg")


@dataclass(frozen=True)
class Parameter:
    """`at`: its place among those that can be given without their name, None where it needs it."""

    name: str
    at: int | None
    by_name: bool
    default: str | None


@dataclass(frozen=True)
class Callable:
    """`kind`: def, async def or class; of a class, `parameters` are not known here."""

    kind: str
    line: int
    parameters: tuple[Parameter, ...] = ()
    takes_more: frozenset[str] = frozenset()


def public(tree: ast.Module) -> dict[str, Callable]:
    """By qualified name, but for those with a part that begins with `_` (`__init__` aside)."""
    named = _exported(tree)
    found = {}
    for name, _, node in definitions(tree):
        parts = name.split(".")
        hidden = any((part.startswith("_") and part != "__init__") or part == "<locals>" for part in parts)
        if not hidden and (named is None or parts[0] in named):
            found[name] = _callable(node, method=len(parts) > 1)
    return found


def names(tree: ast.Module) -> frozenset[str]:
    """Everything that the module binds at its top, in branches too."""
    found = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Import | ast.ImportFrom):
            found |= {alias.asname or alias.name.partition(".")[0] for alias in node.names}
        elif isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store):
            found.add(node.id)
    return frozenset(found)


def differences(old: Callable, new: Callable) -> Iterator[tuple[bool, str]]:
    """What is called otherwise now, and whether calls that were right can break."""
    if old.kind != new.kind:
        yield True, f"it was `{old.kind}` and is `{new.kind}`"
        return
    before = {one.name: one for one in old.parameters}
    after = {one.name: one for one in new.parameters}
    for name, was in before.items():
        if name in after:
            yield from _changed(was, after[name])
        elif not (new.takes_more and was.by_name and "kwarg" in new.takes_more):
            yield True, f"it takes no `{name}` any more"
    for name, now in after.items():
        if name not in before and now.default is None:
            yield True, f"it needs `{name}` now"
    for kind in old.takes_more - new.takes_more:
        yield True, f"it takes no further {'positional' if kind == 'vararg' else 'named'} arguments any more"


def _changed(was: Parameter, now: Parameter) -> Iterator[tuple[bool, str]]:
    if was.at is not None and now.at != was.at:
        yield True, f"`{was.name}` {'has another place' if now.at is not None else 'has to be named now'}"
    if was.by_name and not now.by_name:
        yield True, f"`{was.name}` cannot be named any more"
    if was.default is not None and now.default is None:
        yield True, f"`{was.name}` has to be given now"
    elif was.default is not None and was.default != now.default:
        yield False, f"the default of `{was.name}` was {was.default} and is {now.default}"


def _callable(node: Function | ast.ClassDef, *, method: bool) -> Callable:
    if isinstance(node, ast.ClassDef):
        return Callable("class", node.lineno)
    kind = "async def" if isinstance(node, ast.AsyncFunctionDef) else "def"
    bound = method and not any(ast.unparse(one) == "staticmethod" for one in node.decorator_list)
    more = frozenset(name for name in VARIED if getattr(node.args, name) is not None)
    return Callable(kind, node.lineno, tuple(_parameters(node.args))[int(bound) :], more)


def _parameters(given: ast.arguments) -> Iterator[Parameter]:
    both = [*given.posonlyargs, *given.args]
    defaults = [None] * (len(both) - len(given.defaults)) + [ast.unparse(one) for one in given.defaults]
    for at, (one, default) in enumerate(zip(both, defaults, strict=True)):
        yield Parameter(one.arg, at, at >= len(given.posonlyargs), default)
    for one, value in zip(given.kwonlyargs, given.kw_defaults, strict=True):
        yield Parameter(one.arg, None, True, None if value is None else ast.unparse(value))


def _exported(tree: ast.Module) -> frozenset[str] | None:
    """What `__all__` names, where it is written out; None where all is public."""
    for node in tree.body:
        if isinstance(node, ast.Assign) and any(ast.unparse(target) == "__all__" for target in node.targets):
            try:
                return frozenset(ast.literal_eval(node.value))
            except ValueError:
                return None
    return None
