"""Temporary files that are made in the moment in which their name is chosen."""

import ast
from collections.abc import Iterator

from bloomery.optimize.proposers.robustness.source import NotMended, Source
from bloomery.optimize.proposers.security.fix import Fix, calls, fix, is_constant, is_plain, keyword, replaced
from bloomery.source.python import FUNCTION

MAKERS = {"mkdir", "makedirs", "mkfifo", "symlink", "link", "exists", "isfile", "is_file", "bind", "touch"}
"""What differs once there is a file: with one of these in the function, the name is left alone."""


def made(source: Source) -> Iterator[Fix]:
    """`tempfile.mktemp`: opened at once, or a name of its own that is written to later."""
    for call in calls(source, "tempfile.mktemp"):
        if not is_plain(call) or len(call.args) > 3:
            continue
        parent = source.parents[call]
        try:
            if isinstance(parent, ast.Call) and _opens(source, parent, call):
                yield _opened(source, parent, call)
            elif isinstance(parent, ast.Assign) and _is_name(parent):
                yield _named(source, parent, call)
        except NotMended:
            continue


def _opens(source: Source, parent: ast.Call, call: ast.Call) -> bool:
    given = {one.arg for one in parent.keywords} <= {"mode", "encoding", "newline", "errors"}
    return (
        source.full_name(parent.func) == "open"
        and given
        and parent.args[:1] == [call]
        and len(parent.args) < 3
    )


def _opened(source: Source, parent: ast.Call, call: ast.Call) -> Fix:
    mode = parent.args[1] if len(parent.args) > 1 else keyword(parent, "mode")
    if not (isinstance(mode, ast.Constant) and str(mode.value).startswith("w")):
        raise NotMended("it is not opened to be written")
    names = ("suffix", "prefix", "dir")
    given = [f"{name}={source.segment(one)}" for name, one in zip(names, call.args, strict=False)]
    given += [source.segment(one) for one in call.keywords]
    given += [source.segment(one) for one in parent.keywords if one.arg != "mode"]
    text = f"tempfile.NamedTemporaryFile({', '.join([source.segment(mode), *given, 'delete=False'])})"
    why = "another process can take the name before the file is there"
    return fix(source, call, why, replaced(source, parent, text), imports="import tempfile")


def _is_name(assign: ast.Assign) -> bool:
    return len(assign.targets) == 1 and isinstance(assign.targets[0], ast.Name)


def _named(source: Source, assign: ast.Assign, call: ast.Call) -> Fix:
    scope = next((one for one in source.above(call) if isinstance(one, FUNCTION)), source.tree)
    used = {one.func.attr if isinstance(one.func, ast.Attribute) else getattr(one.func, "id", "")
            for one in ast.walk(scope) if isinstance(one, ast.Call)}  # fmt: skip
    exclusive = any(is_constant(one, one.value) and "x" in str(one.value) and len(str(one.value)) < 4
                    for one in ast.walk(scope) if isinstance(one, ast.Constant))  # fmt: skip
    if used & MAKERS or exclusive:
        raise NotMended("that there is no file yet matters")
    handle, indent = source.free("handle", scope), source.indent(assign)
    name, given = source.segment(assign.targets[0]), source.segment(call).partition("(")[2]
    text = f"{handle}, {name} = tempfile.mkstemp({given}\n{indent}os.close({handle})"
    why = "another process can take the name before the file is there"
    return fix(source, call, why, replaced(source, assign, text), imports="import os; import tempfile")
