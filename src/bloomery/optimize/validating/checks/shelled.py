"""What bandit goes on to say of a process whose shell is gone, and which of it a change is not to blame for.

Bandit objects, at its lowest severity, to each process without a shell, too. That is no new finding where in
the same function a shell read what was put into a command (B602, B604, B605), and now a list of words is run
whose first one stands there and is no shell itself; for each shell that is gone, one process.
"""

import ast
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path

from bloomery.optimize.proposers.security.shells import is_interpreter
from bloomery.optimize.validating.objecting import Objection
from bloomery.source.python import NotPython, functions, last_line, parse

SHELL, NO_SHELL = frozenset({"B602", "B604", "B605"}), frozenset({"B603", "B607"})
STARTS = frozenset({"run", "call", "check_call", "check_output", "Popen"})
Place = tuple[str, str]  # a path, and the function there


def left_of_shells(
    trees: tuple[Path, Path], before: Sequence[Objection], after: Sequence[Objection]
) -> Counter[Objection]:
    """Those of the objections after a change, without their lines, that it is not to blame for."""
    lost = Counter(_place(trees[0], one) for one in before if one.code in SHELL and one.severity != "low")
    lost -= Counter(_place(trees[1], one) for one in after if one.code in SHELL)
    found: Counter[Objection] = Counter()
    used: Counter[tuple[Place, str]] = Counter()
    for one in after:
        if one.code in NO_SHELL and _runs_a_program(trees[1] / one.path, one.line):
            place = _place(trees[1], one)
            used[place, one.code] += 1
            if used[place, one.code] <= lost[place]:
                found[replace(one, line=0)] += 1
    return found


def _place(tree: Path, one: Objection) -> Place:
    """The innermost function that the line stands in; the last one that begins before it."""
    around = [
        (node.lineno, name)
        for name, node in functions(_tree(tree / one.path)).items()
        if node.lineno <= one.line <= last_line(node)
    ]
    return one.path, max(around, default=(0, ""))[1]


def _runs_a_program(path: Path, line: int) -> bool:
    """Whether each process started at the line runs a list of words whose first is a program by name, and no
    shell."""
    here = [call for call in _starts(_tree(path)) if call.lineno <= line <= (call.end_lineno or line)]
    return bool(here) and all(call.args and _is_program(call.args[0]) for call in here)


def _starts(tree: ast.Module) -> Iterator[ast.Call]:
    """The calls that start a process, by the names that the library gives them."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Call):
            name = node.func.attr if isinstance(node.func, ast.Attribute) else getattr(node.func, "id", "")
            if name in STARTS:
                yield node


def _is_program(words: ast.expr) -> bool:
    first = words.elts[0] if isinstance(words, ast.List | ast.Tuple) and words.elts else None
    if not (isinstance(first, ast.Constant) and isinstance(first.value, str)):
        return False
    return not is_interpreter(first.value)


def _tree(path: Path) -> ast.Module:
    try:
        return parse(path).tree
    except (NotPython, OSError):
        return ast.Module([], [])
