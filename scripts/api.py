"""Write docs/api.md from the docstrings at the doors of the rooms: what a Python program calls.

python -m scripts.api                  # write; a test fails where the page is stale

Nothing is imported: a door is a package's `__all__`, or the public names of a module.
"""

import ast
from collections.abc import Iterator
from inspect import cleandoc
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
SOURCE, PAGE = ROOT / "src", ROOT / "docs" / "api.md"
DOORS = {
    "Layers": "models.neural_memory models.miras_memory models.self_modifying_titans models.continuum_memory",
    "Source code as data": """source.languages.parsing source.languages.symbols source.languages.holes
        source.diff source.quality.report source.covering source.mutating source.recording source.testing
        source.unfailing""",
    "Improving a codebase": """optimize.task optimize.optimizing optimize.proposal optimize.proposers
        optimize.methods optimize.equivalence optimize.timing optimize.validating optimize.changes
        optimize.changes.sharing optimize.changes.worktree optimize.coordinating optimize.faults
        optimize.reviewing optimize.statistics""",
    "Workspaces": "core.workspace core.evidence core.catalog core.sandbox",
}
HEAD = """# Python API

Written by `python -m scripts.api` from the docstrings at the doors of the rooms. The verbs of the command
line call these same functions; they are in the [reference](reference.md).
"""
Defined = ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef


def page() -> str:
    parts = [HEAD]
    for title, doors in DOORS.items():
        parts.append(f"## {title}\n")
        parts += [_door(f"bloomery.{door}") for door in doors.split()]
    return "\n".join(parts)


def _door(name: str) -> str:
    tree = ast.parse(_file(name).read_text())
    told = [f"### {name}\n", f"{_doc(tree)}\n"]
    return "\n".join(told + [_entry(node) for node in _public(name, tree)])


def _file(name: str) -> Path:
    path = SOURCE.joinpath(*name.split("."))
    return path / "__init__.py" if path.is_dir() else path.with_suffix(".py")


def _public(name: str, tree: ast.Module) -> Iterator[Defined]:
    """What a door lets through: classes and functions, in the order in which it names them."""
    here = {node.name: node for node in tree.body if isinstance(node, Defined)}
    origins = {alias.asname or alias.name: (node, alias.name) for node in tree.body
               if isinstance(node, ast.ImportFrom) for alias in node.names}  # fmt: skip
    for wanted in _all(tree) or [one for one in here if not one.startswith("_")]:
        if wanted in here:
            yield here[wanted]
        elif wanted in origins:
            yield from _elsewhere(name, *origins[wanted])


def _all(tree: ast.Module) -> list[str]:
    for node in tree.body:
        if isinstance(node, ast.Assign) and ast.unparse(node.targets[0]) == "__all__":
            return [str(one) for one in ast.literal_eval(node.value)]
    return []


def _elsewhere(door: str, node: ast.ImportFrom, name: str) -> Iterator[Defined]:
    """A relative import counts from the door, which is a package."""
    origin = ".".join(filter(None, [door if node.level else "", node.module]))
    if not _file(origin).is_file():
        return
    tree = ast.parse(_file(origin).read_text())
    yield from (one for one in _public(origin, tree) if one.name == name)


def _entry(node: Defined) -> str:
    doc = _doc(node)
    return f"#### {node.name}\n\n```python\n{_signature(node)}\n```\n" + (f"\n{doc}\n" if doc else "")


def _signature(node: Defined) -> str:
    """A function's first line; a class with how it is made, its public fields and methods."""
    if not isinstance(node, ast.ClassDef):
        returns = f" -> {ast.unparse(node.returns)}" if node.returns else ""
        return f"def {node.name}({ast.unparse(node.args)}){returns}"
    lines = [f"class {node.name}" + (f"({', '.join(map(ast.unparse, node.bases))})" if node.bases else "")]
    for one in node.body:
        if isinstance(one, ast.AnnAssign) and not ast.unparse(one.target).startswith("_"):
            lines.append(f"    {ast.unparse(one)}")
        elif isinstance(one, ast.FunctionDef) and (one.name == "__init__" or not one.name.startswith("_")):
            property_ = any(ast.unparse(mark).endswith("property") for mark in one.decorator_list)
            lines.append(f"    {_named(one) if property_ else _signature(one)}")
    return "\n".join(lines)


def _named(node: ast.FunctionDef) -> str:
    return node.name + (f": {ast.unparse(node.returns)}" if node.returns else "")


def _doc(node: ast.Module | Defined) -> str:
    """The first paragraph as text, the rest as it is laid out."""
    text = ast.get_docstring(node, clean=False)
    if not text:
        return ""
    first, _, rest = cleandoc(text).partition("\n\n")
    return first + (f"\n\n```text\n{rest}\n```" if rest else "")


if __name__ == "__main__":
    PAGE.write_text(page())
