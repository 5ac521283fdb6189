"""What is known of a module before anything runs: what can be called, and calls that were written."""

import ast
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from random import Random

from bloomery.core.errors import UserError
from bloomery.source.boxing import Box
from bloomery.source.modules import module_name, source_roots
from bloomery.source.python import NotPython, Parsed, called_name, parse
from bloomery.source.recording import record_calls
from bloomery.source.running import file_of
from bloomery.source.testing.callees import Callee, Class, callees, classes
from bloomery.source.testing.cases import Case, Origin
from bloomery.source.testing.drawing import Drawing, finished
from bloomery.source.testing.mining import Mined, calls, examples, mine
from bloomery.source.testing.pools import Pools

MOST_WRITTEN = 200


@dataclass(frozen=True)
class Prepared:
    """`own`: the names that the module defines or imports; `written`: cases that somebody wrote."""

    module: str
    own: frozenset[str]
    mined: Mined
    drawing: Drawing
    written: tuple[Case, ...]


def prepare(box: Box, parsed: Parsed, tests: Sequence[str], seed: int) -> Prepared:
    """What there is to go on; the calls that `tests` make are recorded, in the sandbox.

    Raises: UserError where the module has nothing that a test can call.
    """
    known = callees(parsed)
    if not known:
        raise UserError(
            f"{parsed.path.name}: nothing to test: it has no public function, and no class that can be made"
        )
    made = classes(parsed.tree)
    mined = mine(parsed.tree)
    pools = Pools(mined, made, _aliases(parsed.tree))
    own = frozenset(_names(parsed.tree))
    trees = [("docstring", tree) for tree in examples(parsed.tree)]
    trees += [("test", tree) for tree in _trees(box.project, tests)]
    written = [case for origin, tree in trees for case in _cases(tree, known, made, own, origin)]  # type: ignore[arg-type]
    written += _recorded(box, parsed, tests, known) if tests else []
    return Prepared(
        module_name(parsed.path, source_roots(box.project)),
        own,
        mined,
        Drawing(known, made, pools, Random(seed)),
        tuple(dict.fromkeys(written))[:MOST_WRITTEN],
    )


def _recorded(box: Box, parsed: Parsed, tests: Sequence[str], known: Sequence[Callee]) -> list[Case]:
    """Calls of functions and constructors with plain arguments, as tests were seen to make them."""
    path = parsed.path.relative_to(box.project).as_posix()
    names = {one.owner if one.kind == "init" else one.name: one for one in known if one.kind != "method"}
    found = []
    for call in record_calls(box.original, tests, {path: ()}).calls.get(path, ()):
        callee = names.get(call.function.removesuffix(".__init__"))
        if callee is None or not call.plain:
            continue
        words = ", ".join(f"{name}={text}" if name else text for name, text in call.given)
        said = f"{callee.owner or callee.name}({words})"
        said = f"asyncio.run({said})" if callee.is_async else said
        found.append(finished(Case(callee.name, (), said, (), "recorded")))
    return found


def _trees(project: Path, tests: Iterable[str]) -> Iterator[ast.Module]:
    for name in dict.fromkeys(map(file_of, tests)):
        place = project / name
        for file in sorted(place.rglob("test_*.py")) if place.is_dir() else [place]:
            try:
                yield parse(file).tree
            except (NotPython, UserError):
                continue


def _cases(
    tree: ast.Module, known: Sequence[Callee], made: dict[str, Class], own: frozenset[str], origin: Origin
) -> Iterator[Case]:
    functions = {one.name: one.name for one in known if one.kind == "function"}
    methods = {one.short: one.name for one in known if one.kind in ("method", "static")}
    for setup, node in calls(tree, own):
        name = called_name(node)
        target = ast.unparse(node.func)
        callee = functions.get(target) or (
            methods.get(name) if isinstance(node.func, ast.Attribute) else None
        )
        if callee is None:
            continue
        bound = tuple(line.partition(" = ")[0] for line in setup)
        yield finished(Case(callee, setup, ast.unparse(node), bound, origin))


def _names(tree: ast.Module) -> Iterator[str]:
    """What the module itself defines at its top: functions, classes, constants."""
    for node in tree.body:
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
            yield node.name
        elif isinstance(node, ast.Assign):
            yield from (one.id for one in node.targets if isinstance(one, ast.Name))
        elif isinstance(node, ast.AnnAssign) and isinstance(node.target, ast.Name):
            yield node.target.id


def _aliases(tree: ast.Module) -> dict[str, ast.expr]:
    """Names for types, and type variables by their bound."""
    found: dict[str, ast.expr] = {}
    for node in tree.body:
        if isinstance(node, ast.Assign) and isinstance(node.targets[0], ast.Name):
            name, value = node.targets[0].id, node.value
            if isinstance(value, ast.Subscript | ast.BinOp) and name[:1].isupper():
                found[name] = value
            elif isinstance(value, ast.Call) and called_name(value) in ("TypeVar", "NewType"):
                bound = [one.value for one in value.keywords if one.arg == "bound"] or value.args[1:2]
                found[name] = bound[0] if bound else ast.Name("int", ast.Load())
    return found
