"""Handlers that pass over what is expected, and over nothing else."""

import ast
from collections.abc import Iterator

from bloomery.optimize.proposers.robustness.source import Source
from bloomery.optimize.proposers.security.fix import Fix, bound_names, fix

OF_THE_SYSTEM = (
    *(
        f"os.{name}"
        for name in ("remove", "unlink", "rmdir", "mkdir", "makedirs", "rename", "replace", "chmod")
    ),
    *("os.utime", "os.kill", "shutil.rmtree", "shutil.copy", "shutil.move"),
)
RAISES = {
    **dict.fromkeys(OF_THE_SYSTEM, "OSError"),
    **dict.fromkeys(("int", "float"), "(TypeError, ValueError, OverflowError)"),
    "json.loads": "(TypeError, ValueError)",
}
SIMPLE = (ast.Name, ast.Constant, ast.Attribute, ast.expr_context, ast.keyword)


def narrowed(source: Source) -> Iterator[Fix]:
    """`except Exception: pass` around one statement whose one call is known by what it raises."""
    bound = bound_names(source)
    for node in ast.walk(source.tree):
        if not (isinstance(node, ast.Try) and len(node.body) == 1 and len(node.handlers) == 1):
            continue
        handler = node.handlers[0]
        kind = _raises(source, node.body[0], bound)
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


def _raises(source: Source, statement: ast.stmt, bound: set[str]) -> str:
    """What the one call of a simple statement raises; empty where that is not known."""
    if not isinstance(statement, ast.Expr | ast.Assign | ast.Return) or statement.value is None:
        return ""
    targets = statement.targets if isinstance(statement, ast.Assign) else []
    call = statement.value
    if not isinstance(call, ast.Call) or not all(isinstance(one, ast.Name) for one in targets):
        return ""
    inner = [one for given in (*call.args, *call.keywords) for one in ast.walk(given)]
    root = ast.unparse(call.func).partition(".")[0]
    if root in bound or not all(isinstance(one, SIMPLE) for one in inner):
        return ""
    return RAISES.get(source.full_name(call.func), "")
