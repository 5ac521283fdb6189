"""Which tests a change can reach, as far as that can be known; where it cannot, all of them.

A test can be left out only if everything that it ran and read is as it was. That is known for changes within
the bodies of functions that nothing runs at import, since each file of tests runs in a process of its own.
It is not known, and so everything runs, for
- statements outside of functions (imports, constants, classes), signatures, decorators, docstrings;
- new, removed and renamed files, files that are no Python, conftest.py and other files of the tests;
- functions that run while tests are imported or collected, and files that are read as text by then;
- other constants in a file from which Hypothesis takes examples: it draws others then;
- functions with decorators that may compile them, or read them, in a way of their own;
- texts that differ in layout alone.
Always run: tests that start processes or set tracers of their own, and those that read a changed file.
"""

import ast
import copy
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from bloomery.optimize.validating.recording import NOTHING, Record, outermost
from bloomery.source.python import FUNCTION, NotPython, parse_text

HARMLESS = frozenset({
    "property", "staticmethod", "classmethod", "cached_property", "functools.cached_property", "cache",
    "functools.cache", "lru_cache", "functools.lru_cache", "contextmanager", "contextlib.contextmanager",
    "abstractmethod", "abc.abstractmethod", "override", "typing.override", "final", "typing.final",
    "total_ordering", "functools.total_ordering",
})  # fmt: skip


@dataclass(frozen=True)
class Selection:
    """`tests` touch the change; `units` are the files whose tests it can reach, `reached` all tests in them.

    `first` are to be run before the rest: those that touch the change, or all that it can reach where to
    begin twice would take longer, if every second change is wrong. `unknown`: why it is all.
    """

    tests: tuple[str, ...]
    units: tuple[str, ...]
    reached: tuple[str, ...]
    first: tuple[str, ...]
    unknown: str = ""


@dataclass(frozen=True)
class Changed:
    """Of one file the functions whose bodies differ, and whether other constants stand in it."""

    names: frozenset[str]
    constants: bool


class Unknowable(Exception):
    """Why what a change reaches cannot be said."""


def select(before: Path, texts: Mapping[str, str | None], known: Record) -> Selection:
    """The tests that a change of these files can reach."""
    try:
        changed = {path: changed_in(before, path, text) for path, text in texts.items()}
        _check_import(changed, known)
    except Unknowable as unknown:
        return every_test(known, str(unknown))
    units = tuple(unit for unit in known.units if _is_reached(known, unit, changed))
    tests = [node for node in known.statuses if _is_reached(known, node, changed)]
    named = {node.partition("::")[0] for node in tests}
    reached = [node for node in known.statuses if node.partition("::")[0] in units]
    whole = [node for node in reached if node.partition("::")[0] not in named]
    tests += whole
    return Selection(tuple(tests), units, tuple(reached), _first(known, tests, reached))


def _first(known: Record, tests: Sequence[str], reached: Sequence[str]) -> tuple[str, ...]:
    few, all_ = (sum(known.seconds.get(node, 0.0) for node in some) for some in (tests, reached))
    return tuple(reached if tests and all_ <= known.start_s + 2 * few else tests)


def every_test(known: Record, why: str) -> Selection:
    every = tuple(known.statuses)
    return Selection(every, tuple(known.units), every, every, why)


def _check_import(changed: Mapping[str, Changed], known: Record) -> None:
    early = known.did.get("", NOTHING)
    if early.apart:
        raise Unknowable(
            f"importing the tests does what cannot be followed ({', '.join(sorted(early.apart))})"
        )
    for path, one in changed.items():
        if path in early.opened:
            raise Unknowable(f"importing the tests reads {path} as text")
        if path in early.quoted and one.constants:
            raise Unknowable(f"Hypothesis draws other examples: other constants stand in {path}")
        if ran := sorted(one.names & early.ran.get(path, frozenset())):
            raise Unknowable(f"importing the tests runs {ran[0]} of {path}")


def _is_reached(known: Record, owner: str, changed: Mapping[str, Changed]) -> bool:
    did = known.did.get(owner, NOTHING)
    return bool(did.apart or did.opened & changed.keys()) or any(
        one.names & did.ran.get(path, frozenset()) or (one.constants and path in did.quoted)
        for path, one in changed.items()
    )


def changed_in(before: Path, path: str, text: str | None) -> Changed:
    """What differs, where it is in the bodies of functions alone. Raises: Unknowable."""
    pure = PurePosixPath(path)
    if pure.suffix != ".py":
        raise Unknowable(f"{path} is no Python: what reads it is not known")
    if pure.name == "conftest.py":
        raise Unknowable(f"{path} is for all tests")
    if text is None or not (before / path).is_file():
        raise Unknowable(f"{path} is {'removed' if text is None else 'new'}: what looks for it is not known")
    try:
        old_text = (before / path).read_text()
        old, new = (parse_text(one, Path(path)).tree for one in (old_text, text))
    except (NotPython, UnicodeDecodeError) as error:
        raise Unknowable(str(error)) from None
    return Changed(_differing(path, old, new), _constants(old) != _constants(new))


def _constants(tree: ast.Module) -> Counter[tuple[str, str]]:
    """Every constant with what it stands in: Hypothesis leaves out some by that."""
    return Counter(
        (type(node).__name__, repr(one.value))
        for node in ast.walk(tree)
        for one in ast.iter_child_nodes(node)
        if isinstance(one, ast.Constant)
    )


def _differing(path: str, old: ast.Module, new: ast.Module) -> frozenset[str]:
    if _skeleton(old) != _skeleton(new):
        raise Unknowable(f"{path} is changed outside of functions' bodies")
    pairs = zip(outermost(old), outermost(new), strict=True)
    found = [(name, one, other) for (name, one), (_, other) in pairs if ast.dump(one) != ast.dump(other)]
    if not found:
        raise Unknowable(f"{path} is changed in its layout alone")
    for name, one, _ in found:
        for decorator in one.decorator_list:
            said = ast.unparse(decorator.func if isinstance(decorator, ast.Call) else decorator)
            if said not in HARMLESS and not said.endswith((".setter", ".getter", ".deleter")):
                raise Unknowable(f"{name} of {path} is changed by its decorator {said}")
    return frozenset(name for name, _, _ in found)


def _skeleton(tree: ast.Module) -> str:
    """Everything but the bodies of functions; of those, what can be seen without running them."""
    bare = copy.deepcopy(tree)
    for _, node in outermost(bare):
        form = "generator" if _yields(node) else "function"
        node.body = [ast.Expr(ast.Constant(f"{form}: {ast.get_docstring(node, clean=False)}"))]
    return ast.dump(bare)


def _yields(node: ast.AST) -> bool:
    return any(
        isinstance(one, ast.Yield | ast.YieldFrom)
        or (not isinstance(one, (*FUNCTION, ast.Lambda, ast.ClassDef)) and _yields(one))
        for one in ast.iter_child_nodes(node)
    )
