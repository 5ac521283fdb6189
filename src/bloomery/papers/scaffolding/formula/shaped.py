"""An expression typed by the shapes of its letters: with products of matrices, or index by index."""

from collections.abc import Callable
from dataclasses import dataclass, replace

from bloomery.papers.scaffolding.formula import value as values
from bloomery.papers.scaffolding.formula.indexed import Indexed
from bloomery.papers.scaffolding.formula.matrices import BATCH, ROWS, Matrices, Symbols
from bloomery.papers.scaffolding.formula.tree import (
    Call,
    Equality,
    NotRead,
    Sum,
    nodes,
)
from bloomery.papers.scaffolding.formula.value import Dimensions, Lines, Value


@dataclass(frozen=True)
class Written:
    """Statements and the expression that follows them; `dimensions` are those of its value."""

    before: tuple[str, ...]
    code: str
    dimensions: Dimensions
    indexed: bool = False


def written(equality: Equality, symbols: Symbols) -> list[Written]:
    """Each way in which the shapes fit, the likeliest first; none is an error.

    Raises: NotRead with the reason of the first way.
    """
    summed = [one.index for one in nodes(equality.right) if isinstance(one, Sum)]
    summed += [one.index for one in nodes(equality.right) if isinstance(one, Call) and one.index]
    ways: list[Callable[[], Written]] = []
    if not summed:
        for leading in (BATCH, BATCH | ROWS):
            ways.append(lambda leading=leading: _by_matrices(equality, symbols, leading))  # type: ignore[misc]
    free = [one for one in equality.left.below if one in "ijklmnpq"]
    if summed or free:
        ways.append(lambda: _by_index(equality, symbols, "".join(dict.fromkeys([*free, *summed]))))
    found, reasons = [], []
    for way in ways:
        try:
            found.append(way())
        except NotRead as error:
            reasons.append(str(error))
    if found:
        return found
    if summed:
        raise NotRead(reasons[0])
    try:
        return [_by_matrices(equality, symbols, frozenset())]  # a batch as the rows of a matrix
    except NotRead:
        raise NotRead(reasons[0]) from None


def _by_matrices(equality: Equality, symbols: Symbols, leading: frozenset[str]) -> Written:
    lines = Lines()
    result = Matrices(lines, symbols, leading).value(equality.right)
    declared = symbols.shapes.get(equality.left)
    return _checked(lines, result, result.dimensions, declared)


def _checked(lines: Lines, result: Value, given: Dimensions, declared: Dimensions | None) -> Written:
    if declared is not None and given != declared:
        wanted = f"[{', '.join(declared)}]"
        raise NotRead(f"the formula has the shape [{', '.join(given)}], declared is {wanted}")
    before, code = list(lines.before), values.tidy(result.code)
    if before and before[-1].startswith(f"{code} = "):
        code = before.pop().partition(" = ")[2]
    return Written(tuple(before), code, given)


def _by_index(equality: Equality, symbols: Symbols, indices: str) -> Written:
    """Each index has an axis of its own; products are those of numbers."""
    lines = Lines()
    order = "".join(sorted(indices))
    reader = Indexed(lines, symbols, order)
    result = reader.value(equality.right)
    left = equality.left.below
    if any(one not in left for one in order if one in result.core) or set(left) - set(order):
        raise NotRead(f"the indices left and right differ: {left or 'none'}, {order}")
    present = "".join(one for one in order if one in left)
    picked = ", ".join(":" if one in left else "0" for one in order)
    code = f"{result.code}[..., {picked}]" if order != present else result.code
    if present != left:
        code = f"np.einsum('...{present}->...{left}', {code})"
    if any(one not in result.core for one in left):
        raise NotRead(f"the right side has not all indices of {equality.left}")
    given = result.batch + tuple(reader.sizes[one] for one in left)
    found = _checked(lines, Value(code), given, symbols.shapes.get(equality.left))
    return replace(found, indexed=True)
