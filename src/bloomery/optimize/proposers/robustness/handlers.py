"""Handlers that catch what they mean, answers that are looked at, and input that is checked."""

import ast
from collections.abc import Iterator

from bloomery.optimize.proposers.robustness.source import Edit, Made, NotMended, Source
from bloomery.source.python import Function

SYSTEM = {"OSError", "IOError", "EnvironmentError", "ConnectionError"}
EVERYTHING = {"Exception", "BaseException"}
BLUNT = "(AttributeError, IndexError, KeyError, TypeError)"
READS = {"open", "io.open", "read_text", "read_bytes"}


def narrowed(source: Source, function: str) -> Iterator[Made]:
    """Handlers that let pass what nobody expects: the most careful change first.

    In order: an `OSError` around reading means a missing file; what `Exception` takes in beside, memory and
    the system, is raised again; last, there is no handler.
    """
    for name, node in source.functions(function):
        for tried in (one for one in ast.walk(node) if isinstance(one, ast.Try)):
            for handler in tried.handlers:
                for edits, why in _narrower(source, tried, handler):
                    try:
                        yield Made(source.edited(edits), handler.lineno, name, why)
                    except NotMended:
                        continue


def _narrower(source: Source, tried: ast.Try, handler: ast.ExceptHandler) -> Iterator[tuple[list[Edit], str]]:
    kinds = _kinds(handler)
    if isinstance(handler.body[-1], ast.Raise) or not kinds & (SYSTEM | EVERYTHING):
        return
    indent = source.indent(tried)
    start = source.starts[handler.lineno - 1]
    if kinds <= SYSTEM and _reads(tried) and handler.type is not None:
        edit = (source.start(handler.type), source.end(handler.type), "FileNotFoundError")
        yield [edit], "any fault of the system is taken for a missing file"
    if kinds & EVERYTHING and len(tried.handlers) == 1:
        if _reads(tried):
            body = "".join(source.data[slice(*source.lines(s, s))].decode() for s in handler.body)
            missing = f"{indent}except FileNotFoundError:\n{body}{indent}except (OSError, MemoryError):\n"
            yield [(start, start, f"{missing}{indent}    raise\n")], "faults are taken for a missing file"
        for what in ("MemoryError", "(OSError, MemoryError)"):
            again = f"{indent}except {what}:\n{indent}    raise\n"
            yield [(start, start, again)], "what nobody can expect is passed over"
    if len(tried.handlers) == 1 and not tried.orelse and not tried.finalbody:
        yield _without(source, tried), "a fault is passed over as if nothing had happened"


def _kinds(handler: ast.ExceptHandler) -> set[str]:
    if handler.type is None:
        return {"BaseException"}
    given = handler.type.elts if isinstance(handler.type, ast.Tuple) else [handler.type]
    return {ast.unparse(one) for one in given}


def _reads(tried: ast.Try) -> bool:
    for one in (inner for part in tried.body for inner in ast.walk(part)):
        name = ast.unparse(one.func).rpartition(".")[2] if isinstance(one, ast.Call) else ""
        if name in READS and isinstance(one, ast.Call):
            mode = one.args[1] if name == "open" and len(one.args) > 1 else None
            if mode is None or (isinstance(mode, ast.Constant) and "r" in str(mode.value)):
                return True
    return False


def _without(source: Source, tried: ast.Try) -> list[Edit]:
    start, end = source.lines(tried, tried)
    body = source.data[slice(*source.lines(tried.body[0], tried.body[-1]))].decode()
    cut = len(source.indent(tried.body[0])) - len(source.indent(tried))
    if any(isinstance(one, ast.JoinedStr) for part in tried.body for one in ast.walk(part)) and '"""' in body:
        raise NotMended("a string of several lines stands there")
    return [(start, end, "".join(line[cut:] if line.strip() else line for line in body.splitlines(True)))]


def looked_at(source: Source, function: str) -> Iterator[Made]:
    """The status of an answer of `http.client` or `requests` is looked at before the answer is used."""
    for name, node in source.functions(function):
        for call in (one for one in ast.walk(node) if isinstance(one, ast.Call)):
            statement = source.statement(call)
            if source.full_name(call.func).startswith("requests.") and isinstance(statement, ast.Assign):
                yield Made(_raised_for(source, statement), call.lineno, name, "no status is looked at")
            if isinstance(call.func, ast.Attribute) and call.func.attr == "getresponse":
                try:
                    yield Made(_looked_at(source, node, call), call.lineno, name, "no status is looked at")
                except NotMended:
                    continue


def _raised_for(source: Source, statement: ast.Assign) -> str:
    end = source.lines(statement, statement)[1]
    name = ast.unparse(statement.targets[0])
    return source.edited([(end, end, f"{source.indent(statement)}{name}.raise_for_status()\n")])


def _looked_at(source: Source, node: Function, call: ast.Call) -> str:
    statement = source.statement(call)
    indent = source.indent(statement)
    start, end = source.lines(statement, statement)
    if isinstance(statement, ast.Assign) and statement.value is call:
        name = ast.unparse(statement.targets[0])
        return source.edited([(end, end, _check(indent, name))])
    if not isinstance(statement, ast.Return | ast.Assign | ast.Expr):
        raise NotMended("no plain statement")
    name = source.free("response", node)
    bound = f"{indent}{name} = {source.segment(call)}\n{_check(indent, name)}"
    return source.edited([(start, start, bound), (source.start(call), source.end(call), name)])


def _check(indent: str, name: str) -> str:
    said = f'f"the answer has status {{{name}.status}}"'
    return f"{indent}if {name}.status >= 400:\n{indent}    raise OSError({said})\n"


def validated(source: Source, function: str) -> Iterator[Made]:
    """What malformed input makes fail in passing is said to be malformed input.

    The smallest part first: one statement of the function's body, then all that follow its first.
    """
    for name, node in source.functions(function):
        body = node.body[1:] if ast.get_docstring(node) else node.body
        parts = [[one] for one in reversed(body)] + [body[1:], body]
        for part in parts:
            if part and not any(
                isinstance(one, ast.Yield | ast.YieldFrom) for p in part for one in ast.walk(p)
            ):
                try:
                    yield Made(_validated(source, node, part), part[0].lineno, name, "input is not checked")
                except NotMended:
                    continue


def _validated(source: Source, node: Function, part: list[ast.stmt]) -> str:
    indent = source.indent(part[0])
    error = source.free("error", node)
    start, end = source.lines(part[0], part[-1])
    said = f'raise ValueError(f"malformed input: {{{error}!r}}") from {error}'
    handler = f"{indent}except {BLUNT} as {error}:\n{indent}    {said}\n"
    return source.edited([(start, end, f"{indent}try:\n{source.deeper(part)}{handler}")])
