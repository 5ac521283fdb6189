"""Waiting that ends: timeouts on calls of the network and on processes, and retries that give up."""

import ast
from collections.abc import Iterator

from bloomery.optimize.proposers.robustness.source import Edit, Made, NotMended, Source

NETWORK_S, PROCESS_S, ATTEMPTS = 10, 60, 5
PLACES = {  # at which place the timeout may be given, counted from 0; 99: by its name only
    "urllib.request.urlopen": 2, "socket.create_connection": 1,
    "http.client.HTTPConnection": 2, "http.client.HTTPSConnection": 2,
    "smtplib.SMTP": 3, "smtplib.SMTP_SSL": 5, "ftplib.FTP": 4, "poplib.POP3": 2, "telnetlib.Telnet": 2,
    "requests.get": 99, "requests.post": 99, "requests.put": 99, "requests.delete": 99,
    "requests.head": 99, "requests.patch": 99, "requests.request": 99,
    "subprocess.run": 99, "subprocess.call": 99, "subprocess.check_call": 99,
    "subprocess.check_output": 99,
}  # fmt: skip


def timeouts(source: Source, function: str) -> Iterator[Made]:
    """Calls of the function that can wait for ever and need not; those of the module where it has none."""
    found = [call for call in source.calls(*PLACES) if _waits(source, call)]
    inside = [call for call in found if source.function_of(call) == function]
    chosen = inside or found
    edits = [_with_timeout(source, call) for call in chosen]
    for call in source.calls("socket.socket"):
        if source.function_of(call) == function and (edit := _set_timeout(source, call)):
            edits.append(edit)
            chosen.append(call)
    if edits:
        why = f"{source.full_name(chosen[0].func)} waits for ever without a timeout"
        yield Made(source.edited(edits), chosen[0].lineno, function, why)


def _waits(source: Source, call: ast.Call) -> bool:
    given = {one.arg for one in call.keywords}
    starred = None in given or any(isinstance(one, ast.Starred) for one in call.args)
    return not starred and "timeout" not in given and len(call.args) <= PLACES[source.full_name(call.func)]


def _with_timeout(source: Source, call: ast.Call) -> Edit:
    process = source.full_name(call.func).startswith("subprocess.")
    given = call.args or call.keywords
    last = source.end(call) - 1
    trailing = source.data[:last].rstrip().endswith(b",")
    comma = "" if not given else " " if trailing else ", "
    return last, last, f"{comma}timeout={PROCESS_S if process else NETWORK_S}"


def _set_timeout(source: Source, call: ast.Call) -> Edit | None:
    """After `sock = socket.socket(...)`, and first in `with socket.socket(...) as sock:`."""
    parent = source.parents[call]
    if isinstance(parent, ast.Assign) and isinstance(parent.targets[0], ast.Name):
        name, at, indent = parent.targets[0].id, source.lines(parent, parent)[1], source.indent(parent)
    elif isinstance(parent, ast.withitem) and isinstance(parent.optional_vars, ast.Name):
        first = source.statement(parent).body[0]  # type: ignore[attr-defined]
        name, at, indent = parent.optional_vars.id, source.lines(first, first)[0], source.indent(first)
    else:
        return None
    if f"{name}.settimeout(" in source.text or f"{name}.setblocking(" in source.text:
        return None
    return at, at, f"{indent}{name}.settimeout({NETWORK_S})\n"


def bounded(source: Source, function: str) -> Iterator[Made]:
    """A retry without end gets a last attempt, which tells what failed.

    Conditions: the loop is `while True` around one `try`, what is tried leaves the loop where it succeeds,
    and the handlers leave it in no other way.
    """
    for name, node in source.functions(function):
        for loop in (one for one in ast.walk(node) if isinstance(one, ast.While)):
            if _is_endless(loop):
                yield Made(_bounded(source, node, loop), loop.lineno, name, "it is tried again for ever")


def _is_endless(loop: ast.While) -> bool:
    always = isinstance(loop.test, ast.Constant) and bool(loop.test.value)
    if not always or loop.orelse or len(loop.body) != 1 or not isinstance(loop.body[0], ast.Try):
        return False
    tried = loop.body[0]
    leaves = (tried.orelse or tried.body)[-1]
    kinds = (ast.Return, ast.Break, ast.Raise)
    inside = [one for handler in tried.handlers for stmt in handler.body for one in ast.walk(stmt)]
    while isinstance(leaves, ast.With):
        leaves = leaves.body[-1]
    return isinstance(leaves, ast.Return | ast.Break) and not any(isinstance(one, kinds) for one in inside)


def _bounded(source: Source, node: ast.AST, loop: ast.While) -> str:
    attempt = source.free("attempt", node)
    colon = source.data.index(b":", source.end(loop.test))
    edits: list[Edit] = [(source.start(loop), colon, f"for {attempt} in range({ATTEMPTS})")]
    tried = loop.body[0]
    assert isinstance(tried, ast.Try)
    for handler in tried.handlers:
        first = handler.body[0]
        indent = source.indent(first)
        at = source.lines(first, first)[0]
        edits.append((at, at, f"{indent}if {attempt} == {ATTEMPTS - 1}:\n{indent}    raise\n"))
    return source.edited(edits)


def retried(source: Source, function: str) -> Iterator[Made]:
    """A function that only asks is called again by tenacity when the network lost the answer.

    Conditions: it writes no file, sends no data, and stores nothing outside of itself.
    """
    for name, node in source.functions(function):
        if isinstance(node, ast.AsyncFunctionDef) or not _only_asks(source, node):
            continue
        if any("retry" in ast.unparse(one) for one in node.decorator_list):
            continue
        kinds = "(ConnectionError, TimeoutError, urllib.error.URLError)"
        if "urllib" not in source.imported:
            kinds = "(ConnectionError, TimeoutError)"
        at = source.lines(node, node)[0]
        for one in node.decorator_list:
            at = min(at, source.starts[one.lineno - 1])
        indent = source.indent(node)
        text = (
            f"{indent}@tenacity.retry(\n"
            f"{indent}    retry=tenacity.retry_if_exception_type({kinds}),\n"
            f"{indent}    stop=tenacity.stop_after_attempt(3),\n"
            f"{indent}    wait=tenacity.wait_exponential(multiplier=0.5, max=10),\n"
            f"{indent}    reraise=True,\n"
            f"{indent})\n"
        )
        more = ("import urllib.error",) if "urllib" in kinds else ()
        made = source.edited([(at, at, text)], "import tenacity", *more)
        yield Made(made, node.lineno, name, "one lost answer ends a call that could ask again")


def _only_asks(source: Source, node: ast.AST) -> bool:
    for one in ast.walk(node):
        if isinstance(one, ast.Global | ast.Nonlocal | ast.Yield | ast.YieldFrom):
            return False
        if isinstance(one, ast.Attribute | ast.Subscript) and isinstance(one.ctx, ast.Store | ast.Del):
            return False
        if isinstance(one, ast.Call):
            name = source.full_name(one.func)
            sends = any(word.arg in ("data", "json", "method") for word in one.keywords)
            if name == "open" or sends or (name == "urllib.request.urlopen" and len(one.args) > 1):
                return False
    return True


__all__ = ["NotMended", "bounded", "retried", "timeouts"]
