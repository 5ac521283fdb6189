"""What an expression is worth: NumPy code, and the names of its dimensions."""

import ast
from dataclasses import dataclass, replace

from bloomery.papers.scaffolding.formula.tree import NotRead

Dimensions = tuple[str, ...]
LONGEST = 34  # characters of code, beyond which it gets a line of its own


@dataclass(frozen=True)
class Value:
    """`batch` are the dimensions that every operation keeps apart; `core` those that products act on."""

    code: str
    batch: Dimensions = ()
    core: Dimensions = ()
    row: bool = False  # a transposed vector

    @property
    def dimensions(self) -> Dimensions:
        return self.batch + self.core

    def __str__(self) -> str:
        return f"[{', '.join(self.dimensions)}]"


class Lines:
    """Code in statements of a length that can be read."""

    def __init__(self) -> None:
        self.before: list[str] = []

    def value(self, code: str, batch: Dimensions, core: Dimensions, *, row: bool = False) -> Value:
        return Value(self.short(code), batch, core, row)

    def short(self, code: str) -> str:
        plain = tidy(code)
        if len(plain) <= LONGEST:
            return f"({plain})"
        self.before.append(f"part_{len(self.before) + 1} = {plain}")
        return f"part_{len(self.before)}"


def tidy(code: str) -> str:
    """With the parentheses that it needs, and double quotes."""
    return ast.unparse(ast.parse(code, mode="eval")).replace("'", '"')


def elementwise(lines: Lines, left: Value, right: Value, form: str) -> Value:
    """`form` joins two codes, `{} + {}`; a scalar goes with all, a vector with rows of a matrix."""
    batch = batches(left, right)
    core = max(left.core, right.core, key=len)
    codes = []
    for one in (left, right):
        gap = len(core) - len(one.core)
        if one.core and one.core != core[gap:]:
            raise NotRead(f"shapes {left} and {right} do not go together")
        axes = "..., " + ", ".join(["None"] * gap + [":"] * (len(one.core) if one.core else 0))
        codes.append(f"{one.code}[{axes.rstrip(', ')}]" if one.batch and gap else one.code)
    row = (left.row or right.row) and len(core) == 1
    vectors = [one for one in (left, right) if len(one.core) == 1]
    if len({one.row for one in vectors}) > 1:
        raise NotRead("a vector and a transposed one are added or multiplied element by element")
    return lines.value(form.format(*codes), batch, core, row=row)


def batches(left: Value, right: Value) -> Dimensions:
    if left.batch and right.batch and left.batch != right.batch:
        raise NotRead(f"shapes {left} and {right} begin differently")
    return left.batch or right.batch


def product(lines: Lines, left: Value, right: Value, *, dotted: bool) -> Value:
    """What stands side by side: scaled, or multiplied as vectors and matrices are.

    Raises: NotRead for two vectors of which neither is transposed, unless a dot stands between them.
    """
    if not left.core or not right.core:
        return elementwise(lines, left, right, "{} * {}")
    ranks = len(left.core), len(right.core)
    if ranks == (1, 1) and not left.row and right.row:
        return outer(lines, left, right)
    if ranks == (1, 1) and left.row == right.row and not dotted:
        raise NotRead("two vectors stand side by side: a dot, an outer or an elementwise product?")
    if max(ranks) > 2:
        raise NotRead(f"a product of {left} and {right} is not in the grammar")
    if (ranks == (2, 1) and right.row) or left.core[-1] != right.core[0]:
        raise NotRead(f"a product of {left} and {right} does not fit")
    a, b = ("ij"[2 - ranks[0] :], "jk"[: ranks[1]])
    core = left.core[:-1] + right.core[1:]
    wanted = (a + b).replace("j", "")
    return _einsum(lines, left, right, (a, b, wanted), core, row=ranks == (1, 2))


def outer(lines: Lines, left: Value, right: Value) -> Value:
    if len(left.core) != 1 or len(right.core) != 1:
        raise NotRead(f"an outer product of {left} and {right} is not in the grammar")
    return _einsum(lines, left, right, ("i", "k", "ik"), left.core + right.core)


def _einsum(
    lines: Lines,
    left: Value,
    right: Value,
    axes: tuple[str, str, str],
    core: Dimensions,
    *,
    row: bool = False,
) -> Value:
    a, b, wanted = (f"...{one}" for one in axes)
    code = f"np.einsum('{a},{b}->{wanted}', {left.code}, {right.code})"
    return lines.value(code, batches(left, right), core, row=row and len(core) == 1)


def transposed(lines: Lines, value: Value) -> Value:
    if len(value.core) == 1:
        return replace(value, row=not value.row)
    if len(value.core) != 2:
        raise NotRead(f"the transpose of {value} is not in the grammar")
    return lines.value(f"np.swapaxes({value.code}, -1, -2)", value.batch, value.core[::-1])
