"""Expressions whose products are those of vectors and matrices."""

from collections.abc import Mapping
from dataclasses import dataclass

from bloomery.papers.scaffolding.formula import value as values
from bloomery.papers.scaffolding.formula.tree import (
    Applied,
    Binary,
    Call,
    Letter,
    Minus,
    Name,
    Node,
    NotRead,
    Number,
    Power,
    Sum,
    Transposed,
)
from bloomery.papers.scaffolding.formula.value import Dimensions, Lines, Value

BATCH = frozenset({"B", "b", "batch", "batch_size", "bs"})
ROWS = frozenset({"S", "T", "L", "H", "seq", "seq_len", "heads", "h", "n_heads"})
PAIRS = {"max": "np.maximum({}, {})", "min": "np.minimum({}, {})"}
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


class Matrices:
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
        if function in PAIRS and len(given) == 2:
            return self.pair(PAIRS[function], *given)
        if len(given) != 1 or function in PAIRS:
            raise NotRead(f"the function {function} is given {len(given)} arguments")
        (held,) = given
        if function in ("norm", "norm1"):
            return self.norm(held, function)
        if function == "softmax":
            return self.softmax(held, index)
        code = ELEMENTWISE[function].format(held.code)
        return self.lines.value(code, held.batch, held.core, row=held.row)

    def pair(self, form: str, left: Value, right: Value) -> Value:
        return values.elementwise(self.lines, left, right, form)

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
