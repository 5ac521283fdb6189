"""Expressions read index by index: each index has an axis, and products are those of numbers."""

from bloomery.papers.scaffolding.formula import value as values
from bloomery.papers.scaffolding.formula.matrices import BATCH, Matrices, Symbols
from bloomery.papers.scaffolding.formula.tree import (
    Letter,
    Node,
    NotRead,
)
from bloomery.papers.scaffolding.formula.value import Lines, Value


class Indexed(Matrices):
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
        return self.pair(f"{{}} {how if how in '+-/' else '*'} {{}}", left, right)

    def pair(self, form: str, left: Value, right: Value) -> Value:
        batch = values.batches(left, right)
        core = tuple(one for one in self.order if one in left.core + right.core)
        return self.lines.value(form.format(left.code, right.code), batch, core)

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
