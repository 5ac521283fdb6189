"""Archives that write nowhere else than where they are unpacked."""

import ast
import tarfile
from collections.abc import Iterator

from bloomery.optimize.proposers.robustness.source import Source
from bloomery.optimize.proposers.security.fix import Fix, added, calls, fix, is_plain, keyword
from bloomery.source.python import FUNCTION


def filtered(source: Source) -> Iterator[Fix]:
    """`extractall` of what `tarfile.open` opened in the same function, on a Python that has filters."""
    if not hasattr(tarfile, "data_filter"):
        return
    opened = list(calls(source, "tarfile.open", "tarfile.TarFile"))
    for call in ast.walk(source.tree):
        if not (isinstance(call, ast.Call) and isinstance(call.func, ast.Attribute)):
            continue
        free = keyword(call, "filter") is None and keyword(call, "members") is None and len(call.args) <= 1
        if call.func.attr == "extractall" and free and is_plain(call) and _is_archive(source, call, opened):
            edit = added(source, call, 'filter="data"')
            yield fix(source, call, "an archive could write outside of the folder", edit)


def _is_archive(source: Source, call: ast.Call, opened: list[ast.Call]) -> bool:
    assert isinstance(call.func, ast.Attribute)
    archive = call.func.value
    if archive in opened:
        return True
    if not isinstance(archive, ast.Name):
        return False
    scope = next((one for one in source.above(call) if isinstance(one, FUNCTION)), source.tree)
    bound = [one for one in ast.walk(scope) if isinstance(one, ast.Name) and one.id == archive.id
             and isinstance(one.ctx, ast.Store)]  # fmt: skip
    return bool(bound) and all(_given(source, one) in opened for one in bound)


def _given(source: Source, name: ast.Name) -> ast.AST | None:
    """What a name is bound to."""
    parent = source.parents[name]
    if isinstance(parent, ast.withitem):
        return parent.context_expr
    return parent.value if isinstance(parent, ast.Assign) and parent.targets == [name] else None
