"""Two versions of one file: what differs, and which pieces of code have to be reached by inputs."""

import ast
import dis
from collections.abc import Iterator
from dataclasses import dataclass
from difflib import SequenceMatcher
from functools import cached_property
from pathlib import Path
from types import CodeType

from bloomery.source.python import FUNCTION, Function, definitions, parse_text

# First and last line, first and last column; of a comparison also how it came out.
Place = tuple[int, ...]
# Not written by anybody: what the compiler adds for cleaning up, closures and jumps.
SILENT = frozenset({
    "RESUME", "RETURN_VALUE",
    "NOP", "CACHE", "COPY_FREE_VARS", "MAKE_CELL", "RETURN_GENERATOR", "RERAISE", "COPY",
    "SWAP", "POP_EXCEPT", "PUSH_EXC_INFO", "PREP_RERAISE_STAR", "WITH_EXCEPT_START", "EXTENDED_ARG",
    "PRECALL", "PUSH_NULL", "POP_TOP", "JUMP_FORWARD", "JUMP_BACKWARD", "CLEANUP_THROW", "END_SEND",
    "SEND", "CALL_INTRINSIC_1", "CHECK_EXC_MATCH", "DELETE_FAST", "END_FOR",
})  # fmt: skip


@dataclass(frozen=True)
class Version:
    """The text of a module; `functions` holds those that stand in the module or in its classes."""

    text: str
    path: str

    @cached_property
    def tree(self) -> ast.Module:
        return parse_text(self.text, Path(self.path)).tree

    @cached_property
    def functions(self) -> dict[str, Function]:
        found = {name: node for name, _, node in definitions(self.tree) if isinstance(node, FUNCTION)}
        return {name: node for name, node in found.items() if "<locals>" not in name}

    @cached_property
    def classes(self) -> dict[str, ast.ClassDef]:
        return {node.name: node for node in self.tree.body if isinstance(node, ast.ClassDef)}

    def places(self, watched: set[str], lines: set[int]) -> set[Place]:
        """Where the code of the watched functions stands that was written on one of `lines`."""
        code = compile(self.text, self.path, "exec")
        return {place for one in _codes(code, watched) for place in _places(one) if place[0] in lines}

    def outcomes(self, watched: set[str], lines: set[int]) -> set[Place]:
        """Both ways for each comparison on those lines to come out."""
        nodes = {one for name in watched & self.functions.keys() for one in ast.walk(self.functions[name])}
        compared = [one for one in nodes if isinstance(one, ast.Compare) and one.lineno in lines]
        found = [(c.lineno, c.end_lineno or 0, c.col_offset, c.end_col_offset or 0) for c in compared]
        return {(*place, way) for place in found for way in (0, 1)}

    def pieces(self, watched: frozenset[str], lines: frozenset[int]) -> frozenset[Place]:
        return frozenset(self.places(set(watched), set(lines)) | self.outcomes(set(watched), set(lines)))

    @cached_property
    def global_names(self) -> set[str]:
        return {name for node in self.tree.body for name in _bound(node)}


@dataclass(frozen=True)
class Changed:
    """`functions`: in both versions, and not the same; `touched`: unchanged, but using what was changed."""

    functions: tuple[str, ...]
    touched: tuple[str, ...]
    old_lines: frozenset[int]
    new_lines: frozenset[int]
    old_watched: frozenset[str]
    new_watched: frozenset[str]

    @property
    def entries(self) -> tuple[str, ...]:
        return self.functions + self.touched


def changed(original: Version, candidate: Version) -> Changed:
    shared = [name for name in original.functions if name in candidate.functions]
    differing = [
        name for name in shared if _dump(original.functions[name]) != _dump(candidate.functions[name])
    ]
    gone = {name for name in original.functions if name not in candidate.functions}
    new = {name for name in candidate.functions if name not in original.functions}
    names = {name.rpartition(".")[2] for name in (*differing, *new, *gone)} | _other_names(
        original, candidate
    )
    touched = [n for n in shared if n not in differing and _mentions(candidate.functions[n], names)]
    old_lines, new_lines = _lines(original.text, candidate.text)
    return Changed(
        tuple(differing),
        tuple(touched),
        frozenset(old_lines),
        frozenset(new_lines),
        frozenset({*differing, *gone}),
        frozenset({*differing, *new}),
    )


def same_code(original: Version, candidate: Version) -> bool:
    return _dump(original.tree) == _dump(candidate.tree)


def _dump(node: ast.AST) -> str:
    return ast.dump(node)


def _other_names(original: Version, candidate: Version) -> set[str]:
    """Names that are bound differently by statements other than functions and classes, or in class bodies."""
    old, new = _bindings(original.tree), _bindings(candidate.tree)
    return {name for name in {*old, *new} if old.get(name) != new.get(name)}


def _bindings(tree: ast.Module) -> dict[str, list[str]]:
    found: dict[str, list[str]] = {}
    for node in tree.body:
        if isinstance(node, FUNCTION):
            continue
        plain = node.body if isinstance(node, ast.ClassDef) else [node]
        text = [_dump(one) for one in plain if not isinstance(one, FUNCTION)]
        for name in _bound(node):
            found.setdefault(name, []).extend(text)
    return found


def _bound(node: ast.stmt) -> Iterator[str]:
    if isinstance(node, (*FUNCTION, ast.ClassDef)):
        yield node.name
    elif isinstance(node, ast.Import | ast.ImportFrom):
        yield from ((alias.asname or alias.name).partition(".")[0] for alias in node.names)
    else:
        for inner in ast.walk(node):
            if isinstance(inner, ast.Name) and isinstance(inner.ctx, ast.Store):
                yield inner.id


def _mentions(node: ast.AST, names: set[str]) -> bool:
    return any(
        (isinstance(one, ast.Name) and one.id in names)
        or (isinstance(one, ast.Attribute) and one.attr in names)
        for one in ast.walk(node)
    )


def _lines(old: str, new: str) -> tuple[set[int], set[int]]:
    before, after = old.splitlines(), new.splitlines()
    gone: set[int] = set()
    come: set[int] = set()
    for what, a, b, c, d in SequenceMatcher(None, before, after, autojunk=False).get_opcodes():
        if what != "equal":
            gone |= set(range(a + 1, b + 1))
            come |= set(range(c + 1, d + 1))
    return gone, come


def _codes(code: CodeType, watched: set[str]) -> Iterator[CodeType]:
    for constant in code.co_consts:
        if isinstance(constant, CodeType):
            if any(
                constant.co_qualname == n or constant.co_qualname.startswith(n + ".<locals>") for n in watched
            ):
                yield constant
            yield from _codes(constant, watched)


def _places(code: CodeType) -> Iterator[Place]:
    for one in dis.get_instructions(code):
        where = one.positions
        if one.opname not in SILENT and where is not None and None not in where:
            yield tuple(number for number in where if number is not None)
