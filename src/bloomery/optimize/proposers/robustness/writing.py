"""Files that are whole: written beside, forced to the disk, and moved into place in one step."""

import ast
from collections.abc import Iterator

from bloomery.optimize.proposers.robustness.source import Edit, Made, NotMended, Source, attempted

REPLACING = '''
@contextlib.contextmanager
def _replacing(path, mode="w", **options):
    """A file that takes the place of `path` once it is written to its end."""
    path = os.path.realpath(path)
    spare = f"{path}.{os.getpid()}.{secrets.token_hex(4)}.tmp"
    try:
        with open(spare, mode, **options) as file:
            yield file
            file.flush()
            os.fsync(file.fileno())
        if os.path.exists(path):
            shutil.copymode(path, spare)
        os.replace(spare, path)
    except BaseException:
        with contextlib.suppress(OSError):
            os.unlink(spare)
        raise
'''
NEEDS = ("import contextlib", "import os", "import secrets", "import shutil")
SPARE_STAYS = "the spare file stays when something fails"
MODES = ("w", "wt", "wb", "w+", "wb+", "w+b")


def atomic(source: Source, function: str) -> Iterator[Made]:
    """Every file that the function writes over another is written beside it first.

    Conditions: `with open(path, "w")`, or `path.write_text(...)` as a statement; not a descriptor.
    """
    for name, node in source.functions(function):
        edits: list[Edit] = []
        for call in (one for one in ast.walk(node) if isinstance(one, ast.Call)):
            edits += _opening(source, call) or _write_text(source, call)
        if edits:
            try:
                text = source.edited(edits, *NEEDS, helper=REPLACING)
            except NotMended:
                continue
            yield Made(text, node.lineno, name, "what is written in place is half there when writing fails")


def _opening(source: Source, call: ast.Call) -> list[Edit]:
    if not isinstance(source.parents[call], ast.withitem):
        return []
    if source.full_name(call.func) in ("open", "io.open"):
        mode = call.args[1] if len(call.args) == 2 else _keyword(call, "mode")
        plain = isinstance(mode, ast.Constant) and mode.value in MODES
        return [(source.start(call.func), source.end(call.func), "_replacing")] if plain else []
    if isinstance(call.func, ast.Attribute) and call.func.attr == "open" and len(call.args) == 1:
        mode = call.args[0]
        if isinstance(mode, ast.Constant) and mode.value in MODES:
            start = source.start(call.args[0])
            return [(source.start(call), start, f"_replacing({source.segment(call.func.value)}, ")]
    return []


def _keyword(call: ast.Call, name: str) -> ast.expr | None:
    return next((one.value for one in call.keywords if one.arg == name), None)


def _write_text(source: Source, call: ast.Call) -> list[Edit]:
    statement = source.parents[call]
    if not isinstance(statement, ast.Expr) or not isinstance(call.func, ast.Attribute):
        return []
    if call.func.attr not in ("write_text", "write_bytes") or len(call.args) != 1:
        return []
    mode = '"w"' if call.func.attr == "write_text" else '"wb"'
    given = "".join(f", {source.segment(one)}" for one in call.keywords)
    indent, file = source.indent(statement), source.free("file", source.tree)
    text = (
        f"with _replacing({source.segment(call.func.value)}, {mode}{given}) as {file}:\n"
        f"{indent}    {file}.write({source.segment(call.args[0])})"
    )
    return [(source.start(statement), source.end(statement), text)]


def moved(source: Source, function: str) -> Iterator[Made]:
    """`os.remove(path)`, then `os.rename(spare, path)`: `os.replace` alone, and nothing is ever missing."""
    for name, node in source.functions(function):
        for call in source.calls("os.rename", "os.replace", "shutil.move"):
            statement = source.parents[call]
            if call not in set(ast.walk(node)) or not isinstance(statement, ast.Expr) or len(call.args) != 2:
                continue
            if text := attempted(_moved, source, call, statement):
                yield Made(text, statement.lineno, name, "between removing and renaming nothing is there")


def _moved(source: Source, call: ast.Call, statement: ast.stmt) -> str:
    block = source.block(statement)
    at = block.index(statement)
    target = ast.unparse(call.args[1])
    if at == 0 or not _removes(block[at - 1], target):
        raise NotMended("nothing is removed before")
    edits: list[Edit] = [(*source.lines(block[at - 1], block[at - 1]), "")]
    edits.append((source.start(call.func), source.end(call.func), "os.replace"))
    return source.edited(edits, "import os")


def _removes(statement: ast.stmt, target: str) -> bool:
    """`os.remove(target)`, alone or where the target is there."""
    if isinstance(statement, ast.If) and not statement.orelse and len(statement.body) == 1:
        test = ast.unparse(statement.test)
        there = (f"os.path.exists({target})", f"os.path.isfile({target})")
        return test in there and _removes(statement.body[0], target)
    return ast.unparse(statement) in (f"os.remove({target})", f"os.unlink({target})")


def cleaned(source: Source, function: str) -> Iterator[Made]:
    """A spare file that is moved into place at the end is removed where that fails.

    Conditions: a name holds its path, and all its uses lie in one block up to the move.
    """
    for name, node in source.functions(function):
        for call in source.calls("os.rename", "os.replace", "shutil.move"):
            statement = source.parents[call]
            spare = call.args[0] if call.args else None
            if (
                call in set(ast.walk(node))
                and isinstance(statement, ast.Expr)
                and isinstance(spare, ast.Name)
            ):
                text = attempted(_cleaned, source, statement, spare.id)
                yield from [Made(text, statement.lineno, name, SPARE_STAYS)] if text else []


def _cleaned(source: Source, statement: ast.stmt, spare: str) -> str:
    block = source.block(statement)
    at = block.index(statement)
    bound = [n for n in range(at) if spare in _stored(block[n])]
    if not bound or bound[-1] + 1 >= at:
        raise NotMended("nothing lies between")
    parts = block[bound[-1] + 1 : at + 1]
    indent = source.indent(parts[0])
    start, end = source.lines(parts[0], parts[-1])
    clean = (
        f"{indent}except BaseException:\n{indent}    with contextlib.suppress(OSError):\n"
        f"{indent}        os.unlink({spare})\n{indent}    raise\n"
    )
    text = f"{indent}try:\n{source.deeper(parts)}{clean}"
    return source.edited([(start, end, text)], "import contextlib", "import os")


def _stored(statement: ast.stmt) -> set[str]:
    names = (one for one in ast.walk(statement) if isinstance(one, ast.Name))
    return {one.id for one in names if isinstance(one.ctx, ast.Store)}
