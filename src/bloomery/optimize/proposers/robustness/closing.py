"""What is opened is closed, what is locked is released, however the code between ends."""

import ast
from collections.abc import Iterator

from bloomery.optimize.proposers.robustness.source import Made, NotMended, Source, attempted
from bloomery.source.python import Function

OPENERS = ("open", "io.open", "gzip.open", "bz2.open", "urllib.request.urlopen", "socket.create_connection")
LEFT_OPEN = "what is taken is not given back when something fails"
HANDS_ON = (ast.Return, ast.Yield, ast.Assign, ast.List, ast.Tuple, ast.Dict)
Simple = (ast.Assign, ast.AnnAssign, ast.AugAssign, ast.Return, ast.Expr, ast.For)


def managed(source: Source, function: str) -> Iterator[Made]:
    """`f = open(...)`, some statements, `f.close()`: a `with` around those statements.

    Conditions: both stand in one block, the name is bound nowhere else, and used nowhere after.
    """
    for name, node in source.functions(function):
        for statement in _statements(node):
            opened = _opened(source, statement)
            if opened and (text := attempted(_managed, source, node, statement, opened)):
                yield Made(text, statement.lineno, name, LEFT_OPEN)


def _statements(node: ast.AST) -> Iterator[ast.stmt]:
    return (one for one in ast.walk(node) if isinstance(one, ast.stmt))


def _opened(source: Source, statement: ast.stmt) -> str:
    """The name that an opened thing gets."""
    if not isinstance(statement, ast.Assign) or not isinstance(statement.value, ast.Call):
        return ""
    target = statement.targets[0]
    fits = len(statement.targets) == 1 and isinstance(target, ast.Name)
    return target.id if fits and source.full_name(statement.value.func) in OPENERS else ""  # type: ignore[attr-defined]


def _managed(source: Source, node: Function, statement: ast.stmt, name: str) -> str:
    block = source.block(statement)
    at = block.index(statement)
    closing = next((n for n in range(at + 1, len(block)) if _calls(block[n], f"{name}.close")), None)
    uses = [one for one in ast.walk(node) if isinstance(one, ast.Name) and one.id == name]
    if sum(isinstance(one.ctx, ast.Store) for one in uses) != 1:
        raise NotMended("the name is bound elsewhere, too")
    between = block[at + 1 : closing] if closing else block[at + 1 :]
    last = block[closing] if closing else block[-1]
    kept = {id(one) for part in (statement, *between, last) for one in ast.walk(part)}
    if any(id(one) not in kept for one in uses) or not between:
        raise NotMended("it is used elsewhere, too")
    if closing is None and any(_escapes(source, one) for one in uses if isinstance(one.ctx, ast.Load)):
        raise NotMended("it is handed on")
    assert isinstance(statement, ast.Assign)
    head = f"{source.indent(statement)}with {source.segment(statement.value)} as {name}:\n"
    start, end = source.lines(statement, last)
    return source.edited([(start, end, head + source.deeper(between))])


def _calls(statement: ast.stmt, text: str) -> bool:
    value = statement.value if isinstance(statement, ast.Expr) else None
    return isinstance(value, ast.Call) and ast.unparse(value.func) == text


def _escapes(source: Source, name: ast.Name) -> bool:
    return isinstance(
        source.parents[name], ast.Return | ast.Yield | ast.Assign | ast.List | ast.Tuple | ast.Dict
    )


def hoisted(source: Source, function: str) -> Iterator[Made]:
    """`json.load(open(path))` and the like: a `with` around the statement.

    Conditions: a plain statement that does not yield; what is opened is used there only, by a call.
    """
    for name, node in source.functions(function):
        for call in source.calls(*OPENERS):
            statement = source.statement(call)
            if call not in set(ast.walk(node)) or not isinstance(statement, Simple):
                continue
            if text := attempted(_hoisted, source, node, statement, call):
                yield Made(text, statement.lineno, name, LEFT_OPEN)


def _hoisted(source: Source, node: Function, statement: ast.stmt, call: ast.Call) -> str:
    if getattr(statement, "value", None) is call or any(
        isinstance(one, ast.Yield | ast.YieldFrom | ast.Await | ast.Lambda | ast.GeneratorExp)
        for one in ast.walk(statement)
    ):
        raise NotMended("it outlives the statement")
    if isinstance(statement, ast.For) and call not in set(ast.walk(statement.iter)):
        raise NotMended("it stands in the loop")
    name = source.free("file", node)
    edit = (source.start(call), source.end(call), name)
    head = f"{source.indent(statement)}with {source.segment(call)} as {name}:\n"
    start, end = source.lines(statement, statement)
    return source.edited([(start, end, head + source.deeper([statement], edits=[edit]))])


def released(source: Source, function: str) -> Iterator[Made]:
    """`lock.acquire()` ... `lock.release()`, `os.open` ... `os.close`, a lock file made and removed: what
    gives back stands in a `finally`."""
    for name, node in source.functions(function):
        for statement in _statements(node):
            for make in (_locked, _descriptor, _lock_file):
                if text := attempted(make, source, statement):
                    yield Made(text, statement.lineno, name, LEFT_OPEN)


def _after(source: Source, statement: ast.stmt, text: str) -> tuple[list[ast.stmt], ast.stmt]:
    """The statements up to the one that calls `text`, and that one."""
    block = source.block(statement)
    at = block.index(statement)
    for number in range(at + 2, len(block)):
        if ast.unparse(block[number]) == text:
            return block[at + 1 : number], block[number]
    raise NotMended(f"no {text} follows")


def _locked(source: Source, statement: ast.stmt) -> str:
    value = statement.value if isinstance(statement, ast.Expr) else None
    if not isinstance(value, ast.Call) or value.args or value.keywords:
        raise NotMended("no plain call")
    receiver, _, method = ast.unparse(value.func).rpartition(".")
    if method != "acquire":
        raise NotMended("nothing is locked")
    between, last = _after(source, statement, f"{receiver}.release()")
    start, end = source.lines(statement, last)
    return source.edited(
        [(start, end, f"{source.indent(statement)}with {receiver}:\n{source.deeper(between)}")]
    )


def _descriptor(source: Source, statement: ast.stmt) -> str:
    opened = statement.value if isinstance(statement, ast.Assign) else None
    if not isinstance(opened, ast.Call) or source.full_name(opened.func) != "os.open":
        raise NotMended("no descriptor is opened")
    assert isinstance(statement, ast.Assign)
    return _in_finally(source, statement, f"os.close({ast.unparse(statement.targets[0])})")


def _lock_file(source: Source, statement: ast.stmt) -> str:
    for one in ast.walk(statement):
        if isinstance(one, ast.Call) and source.full_name(one.func) in ("os.open", "open") and one.args:
            exclusive = "O_EXCL" in ast.unparse(one) or "'x'" in ast.unparse(one)
            removals = (f"os.{name}({ast.unparse(one.args[0])})" for name in ("unlink", "remove"))
            for removal in removals if exclusive else ():
                try:
                    return _in_finally(source, statement, removal)
                except NotMended:
                    continue
    raise NotMended("no lock file")


def _in_finally(source: Source, statement: ast.stmt, closing: str) -> str:
    between, last = _after(source, statement, closing)
    indent = source.indent(between[0])
    start, end = source.lines(between[0], last)
    rest = f"{indent}finally:\n{source.deeper([last])}"
    return source.edited([(start, end, f"{indent}try:\n{source.deeper(between)}{rest}")])


def before_try(source: Source, function: str) -> Iterator[Made]:
    """What `finally` closes is opened before the `try`: where opening fails, there is nothing to close.

    Conditions: it is the first statement tried, and no handler would see what it raises.
    """
    for name, node in source.functions(function):
        for tried in (one for one in ast.walk(node) if isinstance(one, ast.Try)):
            first = tried.body[0]
            if tried.handlers or len(tried.body) < 2 or not _opened(source, first):
                continue
            indent = source.indent(tried)
            start, _ = source.lines(tried, tried.body[-1])
            moved = f"{indent}{source.segment(first)}\n"
            edits = [(start, start, moved), (*source.lines(first, first), "")]
            yield Made(source.edited(edits), tried.lineno, name, "the clean-up fails where opening failed")
