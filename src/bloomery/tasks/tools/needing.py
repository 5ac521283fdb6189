"""Tasks whose answers need a tool: what is asked is not in the prompt, or is too much to do in one's head."""

import random
from abc import abstractmethod
from collections import Counter
from dataclasses import dataclass
from functools import cache
from typing import ClassVar

from bloomery.core.config import option
from bloomery.tasks.task import LETTERS, Drawn, GeneratedTask, check_difficulty
from bloomery.tasks.tools.conversation import ToolExample
from bloomery.tasks.tools.tool import Call

VALUES = 100


class ToolTask(GeneratedTask):
    """A task that names its tool; its examples hold what the tool finds, and the calls that solve them."""

    tool: ClassVar[str]

    @abstractmethod
    def tool_example(self, rng: random.Random, difficulty: int) -> ToolExample:
        """All randomness comes from `rng`."""

    def example(self, rng: random.Random, difficulty: int) -> ToolExample:
        """Raises: ConfigError where the task has no such difficulty."""
        check_difficulty(self, difficulty)
        return self.tool_example(rng, difficulty)

    def draw(self, rng: random.Random, difficulty: int) -> Drawn:
        one = self.tool_example(rng, difficulty)
        return Drawn(one.prompt, one.answer)

    def cost(self, difficulty: int) -> int:
        return difficulty


@dataclass(frozen=True, kw_only=True)
class Remainders(ToolTask):
    """`482*917%97=` is answered by `62`, which a calculator finds.

    Difficulty and cost: digits of each factor. Chance: the commonest remainder.
    """

    name: ClassVar[str] = "remainders"
    tool: ClassVar[str] = "calculator"
    modulus: int = option(97, help="what is left after dividing by this one is asked for", low=2, high=997)

    @property
    def difficulties(self) -> range:
        return range(2, 13)

    def tool_example(self, rng: random.Random, difficulty: int) -> ToolExample:
        factors = [rng.randrange(10 ** (difficulty - 1), 10**difficulty) for _ in range(2)]
        expression = f"{factors[0]}*{factors[1]}%{self.modulus}"
        answer = str(factors[0] * factors[1] % self.modulus)
        calls = (Call(self.tool, {"expression": expression}),)
        return ToolExample(f"{expression}=", answer, difficulty, calls=calls)

    def chance(self, difficulty: int) -> float:
        return _commonest_remainder(difficulty, self.modulus)


@cache
def _commonest_remainder(digits: int, modulus: int) -> float:
    low, high = 10 ** (digits - 1), 10**digits
    # how many of low..high-1 leave each remainder
    ways = [(high - 1 - r) // modulus - (low - 1 - r) // modulus for r in range(modulus)]
    products = [0] * modulus
    for one, count in enumerate(ways):
        for other, also in enumerate(ways):
            products[one * other % modulus] += count * also
    return max(products) / sum(products)


@dataclass(frozen=True, kw_only=True)
class DigitSums(ToolTask):
    """`#7^23=` is answered by the sum of the digits of 7 to the 23rd, which a Python cell finds.

    Difficulty and cost: tens in the exponent. Chance: the commonest sum.
    """

    name: ClassVar[str] = "digit_sums"
    tool: ClassVar[str] = "python"
    largest: int = option(99, help="the largest base", low=9, high=999)

    @property
    def difficulties(self) -> range:
        return range(1, 11)

    def tool_example(self, rng: random.Random, difficulty: int) -> ToolExample:
        base, exponent = rng.randint(2, self.largest), 10 * difficulty + rng.randrange(10)
        calls = (Call(self.tool, {"code": f"sum(map(int,str({base}**{exponent})))"}),)
        return ToolExample(f"#{base}^{exponent}=", str(_digit_sum(base, exponent)), difficulty, calls=calls)

    def chance(self, difficulty: int) -> float:
        return _commonest_digit_sum(difficulty, self.largest)


def _digit_sum(base: int, exponent: int) -> int:
    return sum(map(int, str(base**exponent)))


@cache
def _commonest_digit_sum(difficulty: int, largest: int) -> float:
    exponents = range(10 * difficulty, 10 * difficulty + 10)
    found = Counter(_digit_sum(base, exponent) for base in range(2, largest + 1) for exponent in exponents)
    return max(found.values()) / found.total()


@dataclass(frozen=True, kw_only=True)
class Lookups(ToolTask):
    """`@2kfq=` is answered by what stands in a store under the name that stands there under kfq.

    Difficulty and cost: lookups. Chance: one of the hundred values, which all come equally often.
    """

    name: ClassVar[str] = "lookups"
    tool: ClassVar[str] = "store"
    others: int = option(4, help="entries in the store that are not on the way", low=0, high=64)

    @property
    def difficulties(self) -> range:
        return range(1, 9)

    def tool_example(self, rng: random.Random, difficulty: int) -> ToolExample:
        keys = _names(rng, difficulty + self.others)
        way, beside = keys[:difficulty], keys[difficulty:]
        values = [_value(rng) for _ in range(1 + len(beside))]
        stored = dict(zip([*way, *beside], [*way[1:], *values], strict=True))
        calls = tuple(Call(self.tool, {"key": key}) for key in way)
        entries = dict(sorted(stored.items()))
        return ToolExample(f"@{difficulty}{way[0]}=", values[0], difficulty, stored=entries, calls=calls)

    def chance(self, difficulty: int) -> float:
        return 1 / VALUES


@dataclass(frozen=True, kw_only=True)
class Lines(ToolTask):
    """`kfq:3=` is answered by the third line of the file kfq.

    Difficulty and cost: lines in the file. Chance: one of the hundred values, which all come equally often.
    """

    name: ClassVar[str] = "lines"
    tool: ClassVar[str] = "file"

    @property
    def difficulties(self) -> range:
        return range(1, 33)

    def tool_example(self, rng: random.Random, difficulty: int) -> ToolExample:
        (name,) = _names(rng, 1)
        lines, line = [_value(rng) for _ in range(difficulty)], rng.randint(1, difficulty)
        calls = (Call(self.tool, {"path": name, "line": line}),)
        files = {name: "\n".join(lines) + "\n"}
        return ToolExample(f"{name}:{line}=", lines[line - 1], difficulty, files=files, calls=calls)

    def chance(self, difficulty: int) -> float:
        return 1 / VALUES


def _names(rng: random.Random, count: int) -> list[str]:
    """Different names of three letters."""
    found: dict[str, None] = {}
    while len(found) < count:
        found["".join(rng.choices(LETTERS, k=3))] = None
    return list(found)


def _value(rng: random.Random) -> str:
    return str(rng.randrange(VALUES))
