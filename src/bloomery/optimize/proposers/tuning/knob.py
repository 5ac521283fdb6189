"""A number in the text that can be another, and what it is used for."""

import ast
from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

from bloomery.optimize.proposal import Goal
from bloomery.optimize.proposers.rewrites.program import Program

Role = Literal["buffer", "chunk", "threshold", "cache"]
MOST = 2**24
FACTORS: dict[tuple[Role, Goal], tuple[float, ...]] = {  # the likeliest to help first
    ("buffer", "speed"): (16, 4, 64, 0.25),
    ("chunk", "speed"): (16, 4, 64, 0.25),
    ("threshold", "speed"): (4, 0.25, 2, 0.5, 16, 1 / 16),
    ("cache", "speed"): (16, 4, 64),
    ("buffer", "memory"): (1 / 16, 0.25),
    ("chunk", "memory"): (1 / 16, 0.25),
    ("cache", "memory"): (1 / 16, 0.25),
}
BOUNDS_OF_UNBOUNDED = (1024, 128)


@dataclass(frozen=True)
class Knob:
    """`value` is None for a cache without a bound; `node` is what stands for the number."""

    name: str
    role: Role
    value: int | None
    node: ast.expr
    line: int
    function: str | None
    checked: str

    def others(self, goal: Goal) -> list[int]:
        """What else it could be."""
        if self.value is None:
            return list(BOUNDS_OF_UNBOUNDED) if goal == "memory" else []
        made = [int(self.value * factor) for factor in FACTORS.get((self.role, goal), ())]
        least = 0 if self.role == "threshold" else 1
        return [one for one in dict.fromkeys(made) if least <= one <= MOST and one != self.value]


def number(node: ast.AST | None) -> int | None:
    """A whole number that is written out, as `4096`, `64 * 1024`, `1 << 16` or `2**20` are."""
    if isinstance(node, ast.Constant):
        return node.value if type(node.value) is int and node.value > 0 else None
    if isinstance(node, ast.BinOp) and type(node.op) in _SUMS:
        left, right = number(node.left), number(node.right)
        if left is not None and right is not None and max(left, right) <= MOST:
            return _SUMS[type(node.op)](left, right)
    return None


def _power(base: int, exponent: int) -> int | None:
    return base**exponent if exponent <= MOST.bit_length() else None


_SUMS: dict[type[ast.operator], Callable[[int, int], int | None]] = {
    ast.Mult: lambda one, other: one * other,
    ast.LShift: lambda one, other: one << other if other <= MOST.bit_length() else None,
    ast.Pow: _power,
}


def with_number(program: Program, knob: Knob, value: int) -> str:
    """The text with another number in the knob's place."""
    start, end = program.span(knob.node)
    return program.text[:start] + str(value) + program.text[end:]
