"""Checks that ask a stand-in for the answer that the test itself has given it."""

import ast
import builtins
from collections.abc import Iterator

from bloomery.source.python import Function, called_name
from bloomery.source.unfailing.truths import Known

_MOCKS = {"Mock", "MagicMock", "AsyncMock", "create_autospec"}


def mocked(test: Function) -> frozenset[str]:
    """What a test replaces by an answer of its own, as it would be called: `rules.decay`."""
    return frozenset(_mocked(test))


def asks_a_mock(test: ast.expr, replaced: frozenset[str], known: Known) -> str:
    """Why an asserted expression depends on nothing but a stand-in's answer; empty where it may."""
    asked = [
        call for call in _calls(test, known) if not _is_builtin(call) and called_name(call) not in _MOCKS
    ]
    names = {ast.unparse(call.func) for call in asked}
    if names and all(any(_is(name, one) for one in replaced) for name in names):
        return f"the test itself has put the answer of {', '.join(sorted(names))} in place"
    return ""


def _is(called: str, replaced: str) -> bool:
    """`package.rules.decay`, patched by its full name, may be called as `rules.decay`."""
    return called == replaced or ("." in called and replaced.endswith(f".{called}"))


def _mocked(test: Function) -> Iterator[str]:
    for node in ast.walk(test):
        match node:
            case ast.Assign(targets=[ast.Name() | ast.Attribute() as target], value=ast.Call() as call):
                if called_name(call) in _MOCKS and _answers(call):
                    yield ast.unparse(target)
            case ast.Call(
                func=ast.Attribute(attr="setattr"), args=[owner, ast.Constant(value=str(name)), value]
            ):
                if _is_fixed(value):
                    yield f"{ast.unparse(owner)}.{name}"
            case ast.Call(func=ast.Attribute(attr="setattr"), args=[ast.Constant(value=str(name)), value]):
                if _is_fixed(value):
                    yield name
            case ast.Call(
                func=ast.Attribute(attr="object"), args=[owner, ast.Constant(value=str(name)), *rest]
            ):
                if all(map(_is_fixed, rest)) and _answers(node):
                    yield f"{ast.unparse(owner)}.{name}"
            case ast.Call(args=[ast.Constant(value=str(name)), *rest]) if called_name(node) == "patch":
                if all(map(_is_fixed, rest)) and _answers(node):
                    yield name


def _answers(call: ast.Call) -> bool:
    """Whether a mock answers by itself, and not by code that is given to it."""
    return not any(keyword.arg in {"wraps", "side_effect", "new", None} for keyword in call.keywords)


def _is_fixed(value: ast.expr) -> bool:
    match value:
        case ast.Call():
            return called_name(value) in _MOCKS and _answers(value)
        case ast.Lambda(body=body):
            return not any(isinstance(inner, ast.Call) for inner in ast.walk(body))
    return False


def _calls(node: ast.expr, known: Known) -> Iterator[ast.Call]:
    """The calls of an expression, and those that its names were assigned from."""
    for inner in ast.walk(node):
        if isinstance(inner, ast.Call):
            yield inner
        elif isinstance(inner, ast.Name) and inner.id in known.once:
            yield from (one for one in ast.walk(known.once[inner.id]) if isinstance(one, ast.Call))


def _is_builtin(call: ast.Call) -> bool:
    return isinstance(call.func, ast.Name) and hasattr(builtins, call.func.id)
