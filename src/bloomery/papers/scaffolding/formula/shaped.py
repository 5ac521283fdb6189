"""An expression typed by the shapes of its letters: with products of matrices, or index by index."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace

from bloomery.papers.scaffolding.formula import value as values
from bloomery.papers.scaffolding.formula.tree import (
    Applied,
    Binary,
    Call,
    Equality,
    Letter,
    Minus,
    Name,
    Node,
    NotRead,
    Number,
    Power,
    Sum,
    Transposed,
    nodes,
)
from bloomery.papers.scaffolding.formula.value import Dimensions, Lines, Value

BATCH = frozenset({"B", "b", "batch", "batch_size", "bs"})
ROWS = frozenset({"S", "T", "L", "H", "seq", "seq_len", "heads", "h", "n_heads"})
ELEMENTWISE = {
    "exp": "np.exp({})",
    "log": "np.log({})",
    "tanh": "np.tanh({})",
    "sinh": "np.sinh({})",
    "cosh": "np.cosh({})",
    "sin": "np.sin({})",
    "cos": "np.cos({})",
    "sqrt": "np.sqrt({})",
    "abs": "np.abs({})",
    "sign": "np.sign({})",
    "relu": "np.maximum({}, 0)",
    "sigmoid": "1 / (1 + np.exp(-{}))",
    "silu": "{0} / (1 + np.exp(-{0}))",
    "softplus": "np.logaddexp({}, 0)",
}


@dataclass(frozen=True)
class Symbols:
    """What the letters of one equation stand for, by the letter as it is written."""

    names: Mapping[Letter, str]  # in code
    indexed: Mapping[Letter, str]  # in code that goes index by index: x_i and x_j are one
    shapes: Mapping[Letter, Dimensions]
    functions: Mapping[Letter, str]  # the known function that a declared one is

    def shape(self, letter: Letter) -> Dimensions:
        if letter not in self.shapes:
            raise NotRead(f"the table of symbols says nothing of the shape of {letter}")
        return self.shapes[letter]


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
        for leading in (BATCH, BATCH | ROWS, frozenset[str]()):
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
    if not found:
        raise NotRead(reasons[0])
    return found


def _by_matrices(equality: Equality, symbols: Symbols, leading: frozenset[str]) -> Written:
    lines = Lines()
    result = _Matrices(lines, symbols, leading).value(equality.right)
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


class _Matrices:
    """Products are those of vectors and matrices."""

    def __init__(self, lines: Lines, symbols: Symbols, leading: frozenset[str]) -> None:
        self.lines, self.symbols, self.leading = lines, symbols, leading

    def value(self, node: Node) -> Value:
        match node:
            case Number(text):
                return Value(text)
            case Name(letter):
                return self.name(letter)
            case Minus(inner):
                held = self.value(inner)
                return self.lines.value(f"-{held.code}", held.batch, held.core, row=held.row)
            case Binary(how, left, right):
                return self.binary(how, self.value(left), self.value(right))
            case Power(base, exponent):
                return self.power(self.value(base), exponent)
            case Transposed(inner):
                return self.transposed(self.value(inner))
            case Call(function, given, index):
                return self.call(function, [self.value(one) for one in given], index)
            case Applied(letter, given):
                known = self.symbols.functions.get(letter.plain, "")
                if not known:
                    raise NotRead(f"what the function {letter} does is not said")
                return self.call(known, [self.value(one) for one in given], "")
            case Sum(index, body):
                return self.summed(index, body)

    def name(self, letter: Letter) -> Value:
        shape = self.symbols.shape(letter)
        at = 0
        while at < len(shape) and shape[at] in self.leading:
            at += 1
        if letter.name.isupper() and len(shape) - at < 2 and ROWS.intersection(shape[:at]):
            raise NotRead(f"the capital {letter} is taken for a matrix, not for its rows")
        return Value(self.symbols.names[letter], shape[:at], shape[at:])

    def binary(self, how: str, left: Value, right: Value) -> Value:
        if how in ("product", "dot"):
            return values.product(self.lines, left, right, dotted=how == "dot")
        if how == "outer":
            return values.outer(self.lines, left, right)
        if how == "/" and right.core and left.core != right.core:
            raise NotRead(f"a division of {left} by {right} is not in the grammar")
        form = {"+": "{} + {}", "-": "{} - {}", "/": "{} / {}", "hadamard": "{} * {}"}[how]
        return values.elementwise(self.lines, left, right, form)

    def power(self, base: Value, exponent: Node) -> Value:
        raised = self.value(exponent)
        if raised.dimensions:
            raise NotRead("the exponent is no scalar")
        if len(base.core) > 1 or (isinstance(exponent, Minus) and base.core):
            raise NotRead("a power of a matrix, or a negative one of a vector, has more than one meaning")
        return self.lines.value(f"np.power({base.code}, {raised.code})", base.batch, base.core)

    def transposed(self, value: Value) -> Value:
        return values.transposed(self.lines, value)

    def call(self, function: str, given: list[Value], index: str) -> Value:
        if len(given) != 1:
            raise NotRead(f"the function {function} is given {len(given)} arguments")
        (held,) = given
        if function in ("norm", "norm1"):
            return self.norm(held, function)
        if function == "softmax":
            return self.softmax(held, index)
        code = ELEMENTWISE[function].format(held.code)
        return self.lines.value(code, held.batch, held.core, row=held.row)

    def norm(self, held: Value, function: str) -> Value:
        axes = ", ".join(str(-at) for at in range(len(held.core), 0, -1))
        if not held.core:
            return self.lines.value(f"np.abs({held.code})", held.batch, ())
        inner = f"np.abs({held.code})" if function == "norm1" else f"np.square({held.code})"
        code = f"np.sum({inner}, axis=({axes},))"
        return self.lines.value(code if function == "norm1" else f"np.sqrt({code})", held.batch, ())

    def softmax(self, held: Value, index: str) -> Value:
        if not held.core or index:
            raise NotRead("over what the softmax runs is not said")
        return self.lines.value(f"softmax({held.code}, -1)", held.batch, held.core, row=held.row)

    def summed(self, index: str, body: Node) -> Value:
        raise NotRead(f"a sum over {index} of what has no such index")


def _by_index(equality: Equality, symbols: Symbols, indices: str) -> Written:
    """Each index has an axis of its own; products are those of numbers."""
    lines = Lines()
    order = "".join(sorted(indices))
    reader = _Indexed(lines, symbols, order)
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


class _Indexed(_Matrices):
    """`core` holds the indices that a value has; its code has an axis for each of all indices."""

    def __init__(self, lines: Lines, symbols: Symbols, order: str) -> None:
        super().__init__(lines, symbols, frozenset())
        self.order = order
        self.sizes: dict[str, str] = {}

    def name(self, letter: Letter) -> Value:
        shape, name = self.symbols.shape(letter), self.symbols.indexed[letter]
        own = [one for one in letter.below if one in self.order]
        if not shape:
            return Value(name)
        if not own or len(set(own)) < len(own) or len(own) > len(shape):
            raise NotRead(f"the indices of {letter} do not go with its shape [{', '.join(shape)}]")
        batch, core = shape[: len(shape) - len(own)], shape[len(shape) - len(own) :]
        if set(batch) - BATCH:
            raise NotRead(f"{letter} has fewer indices than its shape [{', '.join(shape)}]")
        for one, size in zip(own, core, strict=True):
            if self.sizes.setdefault(one, size) != size:
                raise NotRead(f"the index {one} runs over {size} and over {self.sizes[one]}")
        present = "".join(sorted(own))
        code = name if present == "".join(own) else f"np.einsum('...{''.join(own)}->...{present}', {name})"
        axes = ", ".join(":" if one in own else "None" for one in self.order)
        return self.lines.value(f"{code}[..., {axes}]" if "None" in axes else code, batch, tuple(present))

    def binary(self, how: str, left: Value, right: Value) -> Value:
        if how not in ("+", "-", "/", "product", "dot", "hadamard"):
            raise NotRead(f"'{how}' of indexed symbols is not in the grammar")
        batch = values.batches(left, right)
        core = tuple(one for one in self.order if one in left.core + right.core)
        sign = how if how in "+-/" else "*"
        return self.lines.value(f"{left.code} {sign} {right.code}", batch, core)

    def power(self, base: Value, exponent: Node) -> Value:
        raised = self.value(exponent)
        batch = values.batches(base, raised)
        core = tuple(one for one in self.order if one in base.core + raised.core)
        return self.lines.value(f"np.power({base.code}, {raised.code})", batch, core)

    def transposed(self, value: Value) -> Value:
        raise NotRead("a transpose of indexed symbols is not in the grammar")

    def norm(self, held: Value, function: str) -> Value:
        raise NotRead("a norm of indexed symbols is not in the grammar")

    def softmax(self, held: Value, index: str) -> Value:
        if index not in held.core:
            raise NotRead("over what the softmax runs is not said")
        axis = self.order.index(index) - len(self.order)
        return self.lines.value(f"softmax({held.code}, {axis})", held.batch, held.core)

    def summed(self, index: str, body: Node) -> Value:
        held = self.value(body)
        if index not in held.core:
            raise NotRead(f"a sum over {index} of what has no such index")
        axis = self.order.index(index) - len(self.order)
        core = tuple(one for one in held.core if one != index)
        return self.lines.value(f"np.sum({held.code}, axis={axis}, keepdims=True)", held.batch, core)
