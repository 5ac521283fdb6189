"""Whether two texts compile to the same code but for the name of one local variable."""

import dis
import warnings
from collections.abc import Iterator
from types import CodeType

_FREE = ("MAKE_CELL", "COPY_FREE_VARS")  # set cells up, in the order of the variables' names
_LOCAL = ("FAST", "DEREF", "CLOSURE", "CLASSDEREF")


def same_but_for_names(before: str, after: str, old: str, new: str) -> bool:
    """Whether every instruction and constant is the same, once `old` is read as `new` in the functions whose
    variables were renamed, all of each or none."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        known = compile(before, "", "exec")
        try:
            renamed = compile(after, "", "exec")
        except SyntaxError:  # of scopes, which no parser sees: a `nonlocal` without its variable
            return False
    return _same(known, renamed, old, new)


def _same(one: CodeType, other: CodeType, old: str, new: str) -> bool:
    mapping = {old: new} if old in _variables(one) and old not in _variables(other) else {}
    return (
        sorted(mapping.get(name, name) for name in _variables(one)) == sorted(_variables(other))
        and _plain(one) == _plain(other)
        and list(_instructions(one, mapping)) == list(_instructions(other, {}))
        and all(_same(a, b, old, new) for a, b in zip(_inner(one), _inner(other), strict=True))
    )


def _variables(code: CodeType) -> tuple[str, ...]:
    return (*code.co_varnames, *code.co_cellvars, *code.co_freevars)


def _inner(code: CodeType) -> list[CodeType]:
    return [one for one in code.co_consts if isinstance(one, CodeType)]


def _plain(code: CodeType) -> tuple[object, ...]:
    parameters = code.co_argcount + code.co_kwonlyargcount
    constants = [repr(one) for one in code.co_consts if not isinstance(one, CodeType)]
    return (
        code.co_qualname,
        code.co_flags,
        code.co_varnames[:parameters],
        code.co_names,
        constants,
        len(_inner(code)),
    )


def _instructions(code: CodeType, mapping: dict[str, str]) -> Iterator[tuple[str, object]]:
    """Instructions with what they name; cells that are put together in one go are in order of name."""
    cells: list[str] = []
    for one in dis.get_instructions(code):
        value = one.argval
        if isinstance(value, str) and any(part in one.opname for part in _LOCAL):
            value = mapping.get(value, value)
        if one.opname == "LOAD_CLOSURE":
            cells.append(str(value))
            continue
        yield from (("LOAD_CLOSURE", cell) for cell in sorted(cells))
        cells = []
        if one.opname not in _FREE:
            yield one.opname, repr(value) if not isinstance(value, CodeType) else "code"
