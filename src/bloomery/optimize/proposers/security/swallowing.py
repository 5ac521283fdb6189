"""Handlers that pass over what is expected, and over nothing else."""

import ast
from collections.abc import Iterator

from bloomery.optimize.proposers.robustness.source import Source
from bloomery.optimize.proposers.security.fix import Fix, bound_names, fix
from bloomery.source.python import FUNCTION

OF_THE_SYSTEM = (
    *(
        f"os.{name}"
        for name in ("remove", "unlink", "rmdir", "mkdir", "makedirs", "rename", "replace", "chmod")
    ),
    *("os.utime", "os.kill", "shutil.rmtree", "shutil.copy", "shutil.move"),
)
RAISES = {
    **dict.fromkeys(OF_THE_SYSTEM, "(OSError, TypeError, ValueError, OverflowError)"),
    **dict.fromkeys(("int", "float"), "(TypeError, ValueError, OverflowError)"),
    "json.loads": "(TypeError, ValueError, RecursionError)",
}
"""All that a call raises, whatever it is given; what is passed over on purpose is passed over still."""
HOOKS = frozenset({
    "onerror", "onexc", "copy_function", "cls", "object_hook", "object_pairs_hook", "parse_int",
    "parse_float", "parse_constant",
})  # fmt: skip
"""Keywords for functions of somebody's own, which may raise anything."""
NAMED = {"Exception", "OSError", "TypeError", "ValueError", "OverflowError", "RecursionError"}


def narrowed(source: Source) -> Iterator[Fix]:
    """`except Exception: pass` around one statement whose one call is known by what it raises."""
    bound = bound_names(source)
    if bound & NAMED:
        return
    for node in ast.walk(source.tree):
        if not (isinstance(node, ast.Try) and len(node.body) == 1 and len(node.handlers) == 1):
            continue
        handler = node.handlers[0]
        kind = _raises(source, node, bound)
        if kind and _passes(handler) and _is_broad(handler):
            end = source.data.index(b":", source.end(handler.type) if handler.type else source.start(handler))
            edit = (source.start(handler), end, f"except {kind}")
            yield fix(source, handler, "whatever goes wrong there is passed over", edit)


def _passes(handler: ast.ExceptHandler) -> bool:
    return (
        len(handler.body) == 1 and isinstance(handler.body[0], ast.Pass | ast.Continue) and not handler.name
    )


def _is_broad(handler: ast.ExceptHandler) -> bool:
    return handler.type is None or (isinstance(handler.type, ast.Name) and handler.type.id == "Exception")


def _raises(source: Source, around: ast.Try, bound: set[str]) -> str:
    """What the one call of a simple statement raises; empty where that is not known.

    Its arguments are constants and names that certainly hold something: a missing one would be an error of
    another kind, which is passed over, too.
    """
    statement = around.body[0]
    if not isinstance(statement, ast.Expr | ast.Assign | ast.Return) or statement.value is None:
        return ""
    targets = statement.targets if isinstance(statement, ast.Assign) else []
    call = statement.value
    if not isinstance(call, ast.Call) or not all(isinstance(one, ast.Name) for one in targets):
        return ""
    given = [*call.args, *(one.value for one in call.keywords)]
    root = ast.unparse(call.func).partition(".")[0]
    if root in bound or any(one.arg is None or one.arg in HOOKS for one in call.keywords):
        return ""
    if not all(isinstance(one, ast.Constant | ast.Name) for one in given):
        return ""
    names = {one.id for one in given if isinstance(one, ast.Name)}
    return RAISES.get(source.full_name(call.func), "") if names <= _certain(source, around) else ""


def _certain(source: Source, statement: ast.stmt) -> set[str]:
    """Names that hold something when a statement is reached: parameters, targets of the loops around it, and
    what plain assignments before it bind, unless something takes a name away."""
    found: set[str] = set()
    node: ast.AST = statement
    for parent in source.above(statement):
        if isinstance(node, ast.stmt):
            found |= _bound_before(source.block(node), node)
        if isinstance(parent, ast.For):
            found |= _names(parent.target) if node in parent.body else set()
        if isinstance(parent, FUNCTION):
            given = parent.args
            found |= {one.arg for one in (*given.posonlyargs, *given.args, *given.kwonlyargs)}
            return found - _taken_away(parent)
        if isinstance(parent, ast.ClassDef | ast.Lambda):
            return set()
        node = parent
    return found - _taken_away(source.tree)


def _bound_before(block: list[ast.stmt], statement: ast.stmt) -> set[str]:
    before = block[: block.index(statement)]
    targets = [target for one in before if isinstance(one, ast.Assign) for target in one.targets]
    return {name for target in targets for name in _names(target)}


def _names(target: ast.expr) -> set[str]:
    return {one.id for one in ast.walk(target) if isinstance(one, ast.Name)}


def _taken_away(scope: ast.AST) -> set[str]:
    """By `del`, or at the end of a handler."""
    deleted = {
        one.id for one in ast.walk(scope) if isinstance(one, ast.Name) and isinstance(one.ctx, ast.Del)
    }
    return deleted | {one.name for one in ast.walk(scope) if isinstance(one, ast.ExceptHandler) and one.name}
