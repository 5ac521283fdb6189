"""A rewrite that needs members of plain kinds, taken where they are: other arguments go the old way.

Where nothing tells what a list holds, its members may be such as cannot be hashed, or are not equal to
themselves. Then the function asks, and does what it did before for everything but plain lists.
"""

import ast
import re
import textwrap
from collections.abc import Iterator, Mapping
from dataclasses import replace

from bloomery.optimize.proposers.rewrites.aliases import names
from bloomery.optimize.proposers.rewrites.catalogue import Rewritten, rewritten
from bloomery.optimize.proposers.rewrites.kinds import known, of_annotation
from bloomery.optimize.proposers.rewrites.program import Program

ASKED = re.compile("can be hashed|is equal to itself|of kind list|whole number|by a total order")
WHOLE = "whole number"
MOST_LINES = 40


def for_plain_lists(before: str, made: Rewritten) -> Rewritten | None:
    """The rewritten function for lists of plain members, the original one for all else; None where it asks
    for something that cannot be seen of the arguments."""
    old, new = Program(before), Program(made.text)
    one, other = _function(old, made.function), _function(new, made.function)
    doubts = [doubt for doubt in made.doubts if not ASKED.search(doubt)]
    if one is None or other is None or len(doubts) == len(made.doubts) or not _is_plain(one):
        return None
    whole = any(WHOLE in doubt for doubt in made.doubts)
    asked = dict(_questions(one, made.doubts, whole=whole))
    answered = asked and all(
        _answers(old, one, asked, made, of) for of in (["int"] if whole else ["int", "str"])
    )
    if not answered or not {"type", "list", "set", "map", "int", "str"} <= old.real:
        return None
    text = _joined(old, one, new, other, " and ".join(asked.values()))
    try:
        ast.parse(text)
    except SyntaxError:
        return None
    told = (*doubts, "whether the arguments are plain is all that it depends on")
    rewrite = replace(made.rewrite, name=f"{made.rewrite.name}-of-plain")
    return Rewritten(rewrite, made.function, text, told, made.line)


def _function(program: Program, name: str) -> ast.FunctionDef | None:
    found = [node for other, node in program.functions() if other == name]
    return found[0] if len(found) == 1 and isinstance(found[0], ast.FunctionDef) else None


def _answers(
    program: Program, function: ast.FunctionDef, asked: Mapping[str, str], made: Rewritten, of: str
) -> bool:
    """Whether nothing of what is asked is left in doubt where the parameters are known to be as asked."""
    text = program.text
    for one in reversed(function.args.args):
        if one.arg in asked:
            kind = f"list[{of}]" if "type(" + one.arg + ") is list" in asked[one.arg] else of
            start = program.offset(one.lineno, one.col_offset)
            end = program.offset(one.end_lineno or one.lineno, one.end_col_offset or 0)
            text = f"{text[:start]}{one.arg}: {kind}{text[end:]}"
    again = rewritten(Program(text), {made.rewrite.name: made.rewrite}, made.function)
    return any(
        one.line == made.line and not any(ASKED.search(doubt) for doubt in one.doubts) for one in again
    )


def _is_plain(function: ast.FunctionDef) -> bool:
    given = function.args
    if given.vararg or given.kwarg or given.kwonlyargs or len(function.body) == 0:
        return False
    length = (function.end_lineno or 0) - function.body[0].lineno
    state = (ast.Global, ast.Nonlocal)
    first = function.body[0].lineno > function.lineno
    if any(
        isinstance(one, ast.Constant | ast.JoinedStr) and one.lineno != one.end_lineno
        for part in function.body
        for one in ast.walk(part)
    ):  # it would be indented, too
        return False
    return first and length < MOST_LINES and not any(isinstance(node, state) for node in ast.walk(function))


def _questions(
    function: ast.FunctionDef, doubts: tuple[str, ...], *, whole: bool
) -> Iterator[tuple[str, str]]:
    """What is asked of each parameter of which nothing is known."""
    kinds = "{int}" if whole else "{int, str}"
    for one in function.args.args:
        kind = of_annotation(one.annotation)
        if known(kind) and not any(not known(part) for part in kind.of):
            continue
        if kind.name in ("list", "?") and _is_searched(function, one.arg):
            yield one.arg, f"type({one.arg}) is list and set(map(type, {one.arg})) <= {kinds}"
        elif any(re.search(rf"\b{one.arg}\b", doubt) for doubt in doubts):
            yield one.arg, f"type({one.arg}) is int" if whole else f"type({one.arg}) in {kinds}"


def _is_searched(function: ast.FunctionDef, name: str) -> bool:
    """Whether it is gone through, indexed, searched or counted in."""
    for node in ast.walk(function):
        within = {
            ast.For: "iter", ast.comprehension: "iter", ast.Subscript: "value", ast.Attribute: "value",
        }.get(type(node))  # fmt: skip
        held = getattr(node, within) if within else None
        asked = isinstance(node, ast.Compare) and isinstance(node.ops[0], ast.In | ast.NotIn)
        found = [held, *(node.comparators if asked and isinstance(node, ast.Compare) else ())]
        if any(isinstance(part, ast.Name) and part.id == name for part in found if part is not None):
            return True
    return any(
        isinstance(node, ast.Call) and ast.unparse(node.func) == "len" and list(names(node.args, name))
        for node in ast.walk(function)
    )


def _joined(old: Program, one: ast.FunctionDef, new: Program, other: ast.FunctionDef, asked: str) -> str:
    """The new text with both bodies in its function."""
    start, end, ours = _body(new, other)
    theirs = _body(old, one)[2]
    indent = re.match(r"[ \t]*", ours)[0]  # type: ignore[index]
    deep = "    "
    code = (
        f"{indent}if {asked}:\n{textwrap.indent(ours, deep)}\n{indent}else:\n{textwrap.indent(theirs, deep)}"
    )
    return new.text[:start] + code + new.text[end:]


def _body(program: Program, function: ast.FunctionDef) -> tuple[int, int, str]:
    """From the first statement's line, after the docstring, to the end."""
    body = function.body
    docstring = isinstance(body[0], ast.Expr) and isinstance(body[0].value, ast.Constant) and len(body) > 1
    start, end = program.starts[body[docstring].lineno - 1], program.span(function)[1]
    return start, end, program.text[start:end]
