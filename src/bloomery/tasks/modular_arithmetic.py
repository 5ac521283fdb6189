"""Modular arithmetic, from left to right: `3+4*2=` is answered by `0`, modulo 7."""

import random
import re
from dataclasses import dataclass
from functools import cache
from typing import ClassVar, Literal

from bloomery.core.config import option
from bloomery.tasks.task import Drawn, GeneratedTask

Operators = Literal["+", "*", "+-", "+*", "+-*"]

FORMULA, TERM = re.compile("[0-9]{1,9}([-+*][0-9]{1,9})+="), re.compile("([-+*]?)([0-9]+)")


@dataclass(frozen=True, kw_only=True)
class ModularArithmetic(GeneratedTask):
    """Difficulty and cost: operations, each on the remainder so far. Chance: the commonest remainder.

    With `modulus=97, operators="+"` and difficulty 1 this is the modular addition on which models grok.
    """

    name: ClassVar[str] = "modular_arithmetic"
    modulus: int = option(7, help="all numbers are remainders by this one", low=2, high=997)
    operators: Operators = option("+-", help="operations that are drawn, evenly; all bind from left to right")

    @property
    def difficulties(self) -> range:
        return range(1, 33)

    def draw(self, rng: random.Random, difficulty: int) -> Drawn:
        value = rng.randrange(self.modulus)
        prompt = str(value)
        for _ in range(difficulty):
            operator, operand = rng.choice(self.operators), rng.randrange(self.modulus)
            prompt += f"{operator}{operand}"
            value = apply(operator, value, operand) % self.modulus
        return Drawn(f"{prompt}=", str(value))

    def solve(self, prompt: str) -> str | None:
        if not FORMULA.fullmatch(prompt):
            return None
        value = 0
        for operator, operand in TERM.findall(prompt):
            value = apply(operator or "+", value, int(operand)) % self.modulus
        return str(value)

    def chance(self, difficulty: int) -> float:
        ways = _ways(self.modulus, self.operators, difficulty)
        return max(ways) / sum(ways)

    def cost(self, difficulty: int) -> int:
        return difficulty


@cache
def _ways(modulus: int, operators: str, operations: int) -> list[int]:
    """In how many ways each remainder comes out of that many operations.

    A sum or a difference reaches every remainder equally often; a product reaches zero more often.
    """
    if operations == 0:
        return [1] * modulus
    before = _ways(modulus, operators, operations - 1)
    linear = operators.replace("*", "")
    after = [len(linear) * sum(before)] * modulus
    if linear != operators:
        for value, ways in enumerate(before):
            for operand in range(modulus):
                after[value * operand % modulus] += ways
    return after


def apply(operator: str, left: int, right: int) -> int:
    if operator == "+":
        return left + right
    return left - right if operator == "-" else left * right
