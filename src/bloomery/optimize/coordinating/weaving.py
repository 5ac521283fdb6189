"""Python texts merged three-way by statements, where lines that touch would conflict.

A text is a row of leaves: simple statements, the heads of compound ones, comments, lines such as `else:`.
What each side did to the row of the base is put together unless both changed one leaf, or both put something
where its order could matter. Nobody knows from that whether the outcome is right: validate it again.
"""

import ast
import textwrap
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from difflib import SequenceMatcher

MOST_LEAVES = 20_000  # comparing two rows takes quadratic time
_DEFINITION = (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)
_IMPORT = (ast.Import, ast.ImportFrom)


def weave(base: str, one: str, other: str) -> str | None:
    """The text that does to `base` what both sides did; None where they are in each other's way."""
    try:
        rows = [leaves(text) for text in (base, one, other)]
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return None
    if max(map(len, rows)) > MOST_LEAVES:
        return None
    woven = _woven(*rows)
    return woven if woven is not None and _parses(woven) else None


def leaves(text: str) -> list[str]:
    """The text in pieces, each with the empty lines behind it. Raises: SyntaxError."""
    lines = text.splitlines(keepends=True)
    owners = [-1 - number for number in range(len(lines) + 1)]
    for first, last in _spans(ast.parse(text)):
        mark = owners[first] if owners[first] > 0 else first
        owners[first : last + 1] = [mark] * (last + 1 - first)
    row: list[str] = []
    for number, line in enumerate(lines, start=1):
        continues = number > 1 and owners[number] == owners[number - 1]
        if row and (continues or not line.strip()):
            row[-1] += line
        else:
            row.append(line)
    return row


def _spans(tree: ast.AST) -> Iterator[tuple[int, int]]:
    """First and last line of each simple statement and of each compound one's head."""
    for node in ast.walk(tree):
        if not isinstance(node, ast.stmt | ast.ExceptHandler):
            continue
        first = min([node.lineno, *(one.lineno for one in getattr(node, "decorator_list", ()))])
        body = getattr(node, "body", None)
        if body:
            last = min([body[0].lineno, *(one.lineno for one in getattr(body[0], "decorator_list", ()))]) - 1
        else:
            last = node.cases[0].pattern.lineno - 1 if isinstance(node, ast.Match) else _end(node)
        yield first, max(first, last)


def _end(node: ast.stmt | ast.ExceptHandler) -> int:
    return node.end_lineno or node.lineno


@dataclass(frozen=True)
class _Edit:
    """Leaves `first` up to `stop` of the base, and what a side (0 or 1) put in their place."""

    first: int
    stop: int
    leaves: tuple[str, ...]
    side: int


def _woven(base: list[str], one: list[str], other: list[str]) -> str | None:
    sides = [_compared(base, row, side) for side, row in enumerate((one, other))]
    edits = sorted([*sides[0][0], *sides[1][0]], key=lambda edit: (edit.first, edit.stop, edit.side))
    kept, at, parts = (sides[0][1], sides[1][1]), 0, []
    for group in _groups(edits):
        first, stop = min(edit.first for edit in group), max(edit.stop for edit in group)
        parts += [_kept(base, kept, number) for number in range(at, first)]
        text = _settled(
            base[first:stop], [_version(base, group, side, first, stop) for side in (0, 1)], group
        )
        if text is None:
            return None
        parts.append(text)
        at = stop
    return "".join([*parts, *(_kept(base, kept, number) for number in range(at, len(base)))])


def _compared(base: list[str], row: list[str], side: int) -> tuple[list[_Edit], dict[int, str]]:
    """What a side changed, and its form of each leaf that it kept: empty lines do not make another one."""
    edits: list[_Edit] = []
    kept: dict[int, str] = {}
    plain = [leaf.rstrip() for leaf in base], [leaf.rstrip() for leaf in row]
    for tag, i1, i2, j1, j2 in SequenceMatcher(None, plain[0], plain[1], autojunk=False).get_opcodes():
        if tag == "equal":
            kept |= {i1 + step: row[j1 + step] for step in range(i2 - i1)}
        else:
            edits.append(_Edit(i1, i2, tuple(row[j1:j2]), side))
    return edits, kept


def _kept(base: list[str], kept: tuple[dict[int, str], dict[int, str]], number: int) -> str:
    """A leaf that nobody changed, with the empty lines of whoever changed these."""
    forms = [side.get(number, base[number]) for side in kept]
    return next((form for form in forms if form != base[number]), base[number])


def _groups(edits: Sequence[_Edit]) -> Iterator[list[_Edit]]:
    """Edits that share leaves of the base, or that put something at the same place."""
    group: list[_Edit] = []
    for edit in edits:
        stop = max((one.stop for one in group), default=-1)
        first = min((one.first for one in group), default=-1)
        if group and (edit.first < stop or (edit.first == edit.stop == first == stop)):
            group.append(edit)
            continue
        if group:
            yield group
        group = [edit]
    if group:
        yield group


def _version(base: list[str], group: list[_Edit], side: int, first: int, stop: int) -> list[str]:
    """A side's leaves in the place of the base's from `first` to `stop`."""
    found, at = [], first
    for edit in group:
        if edit.side == side:
            found += [*base[at : edit.first], *edit.leaves]
            at = edit.stop
    return found + base[at:stop]


def _settled(base: list[str], versions: list[list[str]], group: list[_Edit]) -> str | None:
    one, other = versions
    if len({edit.side for edit in group}) == 1:
        return "".join(versions[group[0].side])
    if [leaf.rstrip() for leaf in one] == [leaf.rstrip() for leaf in other]:
        return "".join(one)
    if not base:
        return _both_added("".join(one), "".join(other))
    if len(base) == len(one) == len(other) == 1:
        return _import_of_both(base[0], one[0], other[0])
    return None


def _both_added(one: str, other: str) -> str | None:
    """Imports, definitions and constants of different names, one after the other: no order matters."""
    mine, theirs = _statements(one), _statements(other)
    if mine is None or theirs is None:
        return None
    new = [node for node in theirs if ast.dump(node) not in {ast.dump(known) for known in mine}]
    if not all(_is_free(node) for node in [*mine, *new]) or _bound(mine) & _bound(new):
        return None
    lines = textwrap.dedent(other).splitlines(keepends=True)
    indent = other[: len(other) - len(other.lstrip(" \t"))]
    added = "".join(
        indent + line if line.strip() else line
        for node in new
        for line in lines[_first(node) - 1 : _end(node)]
    )
    body, blank = one.rstrip(), one[len(one.rstrip()) :]
    only_imports = all(isinstance(node, _IMPORT) for node in [*mine, *new])
    gap = "\n" if only_imports or not added else blank or "\n"
    return f"{body}{gap}{added.rstrip()}{blank}" if added else one


def _statements(text: str) -> list[ast.stmt] | None:
    try:
        return ast.parse(textwrap.dedent(text)).body
    except SyntaxError:
        return None


def _first(node: ast.stmt) -> int:
    return min([node.lineno, *(one.lineno for one in getattr(node, "decorator_list", ()))])


def _is_free(node: ast.stmt) -> bool:
    constant = isinstance(node, ast.Assign) and isinstance(node.value, ast.Constant)
    return isinstance(node, (*_DEFINITION, *_IMPORT)) or constant


def _bound(nodes: Sequence[ast.stmt]) -> set[str]:
    names: set[str] = set()
    for node in nodes:
        if isinstance(node, _DEFINITION):
            names.add(node.name)
        elif isinstance(node, _IMPORT):
            names |= {one.asname or one.name.partition(".")[0] for one in node.names}
        elif isinstance(node, ast.Assign):
            names |= {ast.unparse(target) for target in node.targets}
    return names


def _import_of_both(base: str, one: str, other: str) -> str | None:
    """`from m import ...` with the names that either side added, without those that either took away."""
    found = [_statements(text) for text in (base, one, other)]
    nodes = [part[0] for part in found if part is not None and len(part) == 1]
    imports = [node for node in nodes if isinstance(node, ast.ImportFrom)]
    if len(imports) != 3 or len({(node.module, node.level) for node in imports}) != 1:
        return None
    before, mine, theirs = ([ast.unparse(name) for name in node.names] for node in imports)
    gone = {name for name in before if name not in mine or name not in theirs}
    names = [name for name in dict.fromkeys([*mine, *theirs]) if name not in gone]
    indent = one[: len(one) - len(one.lstrip(" \t"))]
    head = f"{indent}from {'.' * imports[0].level}{imports[0].module or ''} import "
    line = head + ", ".join(names)
    if len(line) > 88:
        line = f"{head}(\n" + "".join(f"{indent}    {name},\n" for name in names) + f"{indent})"
    return line + one[len(one.rstrip()) :] if names else None


def _parses(text: str) -> bool:
    try:
        ast.parse(text)
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return False
    return True
