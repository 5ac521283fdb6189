"""A function's text out of a file, and another one in its place; nothing else of the file is touched."""

import ast
from collections.abc import Iterator
from dataclasses import dataclass

Def = ast.FunctionDef | ast.AsyncFunctionDef
_LONGEST_AROUND = 8000  # characters of a file's other parts that are shown


@dataclass(frozen=True)
class Function:
    """Lines `first` to `last` of a file, with the decorators; `source` is without indentation."""

    name: str
    first: int
    last: int
    indent: int
    source: str


def functions(text: str) -> list[Function]:
    """The functions and methods of a file, in order; what is nested in a function belongs to it."""
    lines = text.splitlines(keepends=True)
    return [_function(name, node, lines) for name, node in _named(ast.parse(text).body, "")]


def replaced(text: str, function: Function, source: str, imports: list[str]) -> str:
    """The file with this source, which has no indentation, in the function's place, and these imports."""
    lines = text.splitlines(keepends=True)
    new = shifted(source.rstrip("\n") + "\n", ast.parse(source), function.indent)
    changed = "".join([*lines[: function.first - 1], new, *lines[function.last :]])
    return _with_imports(changed, imports)


def around(text: str, function: Function) -> str:
    """What else the file says: its imports and constants whole, of functions and classes the first lines."""
    told = []
    for node in ast.parse(text).body:
        inside = node.lineno <= function.first and function.last <= (node.end_lineno or node.lineno)
        if isinstance(node, ast.ClassDef):
            told.append(_outline(node))
        elif not inside:
            told.append(_outline(node) if isinstance(node, Def) else ast.unparse(node))
    whole = "\n".join(told)
    return whole if len(whole) <= _LONGEST_AROUND else whole[:_LONGEST_AROUND] + "\n# ... and more"


def objection(function: Function, source: str, imports: list[str]) -> str:
    """What is wrong with a change, for its writer to mend; empty where it can take the function's place."""
    try:
        body = ast.parse(source).body
        given = [node for one in imports for node in ast.parse(one).body]
    except (SyntaxError, ValueError) as error:
        return f"it does not parse: {error}"
    old = ast.parse(function.source).body[0]
    if len(body) != 1 or not isinstance(body[0], type(old)) or not isinstance(body[0], Def):
        return "give one function of the same kind, and nothing beside it"
    assert isinstance(old, Def)
    if body[0].name != old.name or ast.dump(body[0].args) != ast.dump(old.args):
        return f"keep the name and the parameters: {_outline(old)}"
    if [*map(ast.dump, body[0].decorator_list)] != [*map(ast.dump, old.decorator_list)]:
        return "keep the decorators as they are"
    if not all(isinstance(node, ast.Import | ast.ImportFrom) for node in given):
        return "imports are import statements only"
    if ast.dump(body[0]) == ast.dump(old):
        return "nothing is changed"
    return ""


def shifted(source: str, tree: ast.AST, by: int) -> str:
    """The source with `by` more columns before each line; texts over many lines stay as they are."""
    inside = {line for node in ast.walk(tree) for line in _inner_lines(node)}
    lines = source.splitlines(keepends=True)
    return "".join(
        line if number in inside else _moved(line, by) for number, line in enumerate(lines, start=1)
    )


def _moved(line: str, by: int) -> str:
    if not line.strip():
        return line
    return " " * by + line if by > 0 else line[min(-by, len(line) - len(line.lstrip())) :]


def _inner_lines(node: ast.AST) -> range:
    """The lines of a text over many lines that begin inside it."""
    if isinstance(node, ast.JoinedStr) or (
        isinstance(node, ast.Constant) and isinstance(node.value, str | bytes)
    ):
        return range(node.lineno + 1, (node.end_lineno or node.lineno) + 1)
    return range(0)


def _named(body: list[ast.stmt], prefix: str) -> Iterator[tuple[str, Def]]:
    for node in body:
        if isinstance(node, Def):
            yield prefix + node.name, node
        elif isinstance(node, ast.ClassDef):
            yield from _named(node.body, f"{prefix}{node.name}.")


def _function(name: str, node: Def, lines: list[str]) -> Function:
    first = min([node.lineno, *(one.lineno for one in node.decorator_list)])
    last = node.end_lineno or node.lineno
    inside = {line - first + 1 for one in ast.walk(node) for line in _inner_lines(one)}
    moved = [
        line if number in inside else _moved(line, -node.col_offset)
        for number, line in enumerate(lines[first - 1 : last], start=1)
    ]
    return Function(name, first, last, node.col_offset, "".join(moved))


def _outline(node: ast.stmt) -> str:
    """A definition without its bodies."""
    if isinstance(node, ast.ClassDef):
        head = ast.unparse(ast.ClassDef(**{**vars(node), "body": [ast.Expr(ast.Constant(...))]}))
        inner = [_outline(one) for one in node.body if not _is_docstring(one)]
        return head.removesuffix("...").rstrip() + "".join(
            f"\n    {line}" for one in inner for line in one.split("\n")
        )
    if isinstance(node, Def):
        shown = type(node)(**{**vars(node), "body": [ast.Expr(ast.Constant(...))]})
        return ast.unparse(shown).replace(":\n    ...", ": ...")
    return ast.unparse(node)


def _is_docstring(node: ast.stmt) -> bool:
    return isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant)


def _with_imports(text: str, imports: list[str]) -> str:
    """New imports stand behind those of the file, and behind its docstring; what is there is not added."""
    body = ast.parse(text).body
    there = {ast.dump(node) for node in body}
    new = [one.strip() for one in dict.fromkeys(imports) if ast.dump(ast.parse(one).body[0]) not in there]
    if not new:
        return text
    last = 0
    for place, node in enumerate(body):
        if not (isinstance(node, ast.Import | ast.ImportFrom) or (place == 0 and _is_docstring(node))):
            break
        last = node.end_lineno or node.lineno
    lines = text.splitlines(keepends=True)
    return "".join([*lines[:last], *(f"{one}\n" for one in new), *lines[last:]])
