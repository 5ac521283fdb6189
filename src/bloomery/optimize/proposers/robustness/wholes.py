"""Reading and writing to the end, clocks that only go forward, and one thread at a time."""

import ast
from collections.abc import Iterator

from bloomery.optimize.proposers.robustness.source import Edit, Made, NotMended, Source
from bloomery.source.python import FUNCTION, Function

WRITTEN = '''
def _write_all(handle, data):
    """Write all of it, in as many calls as that takes."""
    while data:
        data = data[os.write(handle, data) :]
'''
RECEIVED = '''
def _received(connection, size):
    """Just so many bytes. Raises: ConnectionError where the other end sends fewer."""
    data = b""
    while len(data) < size:
        part = connection.recv(size - len(data))
        if not part:
            raise ConnectionError(f"expected {size} bytes, the connection ended after {len(data)}")
        data += part
    return data
'''
READ = '''
def _read_all(handle, size):
    """So many bytes, or fewer where the file ends."""
    data = b""
    while len(data) < size:
        part = os.read(handle, size - len(data))
        if not part:
            break
        data += part
    return data
'''
WAITS = frozenset({"sleep", "wait", "join", "recv", "accept", "acquire", "urlopen", "connect", "select"})


def whole(source: Source, function: str) -> Iterator[Made]:
    """Calls that may do a part of the work are made until all is done."""
    for name, node in source.functions(function):
        yield from _whole(source, name, node, "os.write", "_write_all", WRITTEN)
        yield from _whole(source, name, node, "os.read", "_read_all", READ)
        yield from _sent(source, name, node)
        yield from _received(source, name, node)


def _whole(
    source: Source, name: str, node: Function, called: str, instead: str, helper: str
) -> Iterator[Made]:
    edits: list[Edit] = []
    for call in source.calls(called):
        alone = isinstance(source.parents[call], ast.Expr) or called == "os.read"
        if call in set(ast.walk(node)) and alone and len(call.args) == 2:
            edits.append((source.start(call.func), source.end(call.func), instead))
    if edits:
        try:
            yield Made(
                source.edited(edits, "import os", helper=helper), node.lineno, name, f"{called} may do a part"
            )
        except NotMended:
            return


def _methods(node: ast.AST, method: str) -> Iterator[ast.Call]:
    for one in ast.walk(node):
        if isinstance(one, ast.Call) and isinstance(one.func, ast.Attribute) and one.func.attr == method:
            yield one


def _sent(source: Source, name: str, node: Function) -> Iterator[Made]:
    calls = [one for one in _methods(node, "send") if isinstance(source.parents[one], ast.Expr)]
    edits = [(source.end(c.func) - len("send"), source.end(c.func), "sendall") for c in calls]
    if edits and "socket" in source.imported:
        yield Made(source.edited(edits), calls[0].lineno, name, "send may send a part")


def _received(source: Source, name: str, node: Function) -> Iterator[Made]:
    edits: list[Edit] = []
    for call in _methods(node, "recv"):
        assert isinstance(call.func, ast.Attribute)
        if len(call.args) == 1 and not call.keywords:
            given = f"_received({source.segment(call.func.value)}, {source.segment(call.args[0])})"
            edits.append((source.start(call), source.end(call), given))
    if edits and "socket" in source.imported:
        try:
            yield Made(source.edited(edits, helper=RECEIVED), node.lineno, name, "recv may receive a part")
        except NotMended:
            return


def monotonic(source: Source, function: str) -> Iterator[Made]:
    """Durations and deadlines by `time.monotonic`.

    Conditions: what `time.time()` gives is only added, subtracted and compared, by itself or by local names.
    """
    for name, node in source.functions(function):
        calls = [one for one in source.calls("time.time") if one in set(ast.walk(node))]
        fits = all(_is_relative(source, node, one) for one in calls)
        if calls and fits and source.imported.get("time") == "time":
            edits = [(source.start(one.func), source.end(one.func), "time.monotonic") for one in calls]
            yield Made(source.edited(edits), calls[0].lineno, name, "the wall clock may be set")


def _is_relative(source: Source, node: Function, value: ast.expr) -> bool:
    parent = source.parents[value]
    if isinstance(parent, ast.BinOp) and isinstance(parent.op, ast.Sub):
        return True
    if isinstance(parent, ast.BinOp) and isinstance(parent.op, ast.Add):
        return _is_relative(source, node, parent)
    if isinstance(parent, ast.Compare):
        return True
    if isinstance(parent, ast.Assign) and all(isinstance(one, ast.Name) for one in parent.targets):
        names = {one.id for one in parent.targets if isinstance(one, ast.Name)}
        loads = [n for n in ast.walk(node) if isinstance(n, ast.Name) and n.id in names]
        return all(_is_relative(source, node, n) for n in loads if isinstance(n.ctx, ast.Load))
    return False


def locked(source: Source, function: str) -> Iterator[Made]:
    """One lock around the bodies of the functions that change or read the same things.

    Conditions: none of them waits for anything, is a generator or asynchronous.
    """
    for name, node in source.functions(function):
        touched = _stores(node)
        others = [other for _, other in source.functions() if _touches(other) & touched]
        chosen = [one for one in dict.fromkeys((node, *others)) if one.name != "__init__"]
        if touched and not any(_waits(one) for one in chosen):
            lock = source.free("_lock", source.tree)
            try:
                text = _locked(source, chosen, lock)
            except NotMended:
                continue
            yield Made(text, node.lineno, name, "two threads may come between each other")


def _stores(node: ast.AST) -> set[str]:
    """Attributes, items and names outside of the function that it changes."""
    found: set[str] = set()
    for one in ast.walk(node):
        if isinstance(one, ast.Attribute | ast.Subscript) and isinstance(one.ctx, ast.Store | ast.Del):
            found.add(ast.unparse(one.value if isinstance(one, ast.Subscript) else one))
        elif isinstance(one, ast.Global):
            found |= set(one.names)
        elif isinstance(one, ast.Call) and isinstance(one.func, ast.Attribute) and one.func.attr in CHANGES:
            found.add(ast.unparse(one.func.value))
    return found


CHANGES = frozenset({"append", "add", "update", "pop", "remove", "clear", "extend", "insert", "setdefault"})


def _touches(node: ast.AST) -> set[str]:
    return {ast.unparse(one) for one in ast.walk(node) if isinstance(one, ast.Attribute | ast.Name)}


def _waits(node: Function) -> bool:
    if isinstance(node, ast.AsyncFunctionDef):
        return True
    for one in ast.walk(node):
        called = ast.unparse(one.func).rpartition(".")[2] if isinstance(one, ast.Call) else ""
        if isinstance(one, ast.Yield | ast.YieldFrom | ast.Await) or called in WAITS:
            return True
    return False


def _locked(source: Source, functions: list[Function], lock: str) -> str:
    edits: list[Edit] = []
    for node in functions:
        body = node.body[1:] if ast.get_docstring(node) else node.body
        if not body:
            raise NotMended("there is nothing to lock")
        indent = source.indent(body[0])
        edits.append((*source.lines(body[0], body[-1]), f"{indent}with {lock}:\n{source.deeper(body)}"))
    first = next(one for one in source.tree.body if isinstance(one, (*FUNCTION, ast.ClassDef)))
    at = source.starts[min([first.lineno, *(d.lineno for d in first.decorator_list)]) - 1]
    return source.edited([*edits, (at, at, f"{lock} = threading.RLock()\n\n\n")], "import threading")
