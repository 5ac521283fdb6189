"""How the answer of a generated task comes about: its partial results, in the order in which they are found.

A prompt's worked questions are left to the prompt: a working is about the last question.
"""

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from itertools import accumulate
from operator import xor
from typing import Any

from bloomery.core.errors import UnknownName
from bloomery.tasks.modular_arithmetic import apply
from bloomery.tasks.task import DIGITS, Example, Task

ABSENT = "-"  # what a part of the prompt gives that does not hold what is looked for


@dataclass(frozen=True)
class Working:
    """Partial results as text; each of the three sequences ends in the answer.

    `partials` go through the prompt from its beginning, `again` from its end; `parts` are the results of its
    two halves, and what they make together. `symbols` are the characters that a slip may put in one's place.
    """

    partials: Sequence[str]
    again: Sequence[str]
    parts: Sequence[str]
    symbols: str = DIGITS


def working(task: Task, example: Example) -> Working:
    """Raises: UnknownName for a task whose chains nobody has written."""
    if task.name not in WORKINGS:
        raise UnknownName("task with chains of thought", task.name, WORKINGS)
    return WORKINGS[task.name](task, example)


def _chained_sums(_task: Any, example: Example) -> Working:
    terms = [int(term) for term in example.prompt.rstrip("=").split("+")]
    half = len(terms) // 2
    parts = [sum(terms[:half]), sum(terms[half:]), sum(terms)]
    return Working(_texts(accumulate(terms)), _texts(accumulate(terms[::-1])), _texts(parts))


def _parity(_task: Any, example: Example) -> Working:
    bits = [int(bit) for bit in example.prompt.rstrip("=")]
    half = len(bits) // 2
    parts = [sum(bits[:half]) % 2, sum(bits[half:]) % 2, sum(bits) % 2]
    return Working(_texts(accumulate(bits, xor)), _texts(accumulate(bits[::-1], xor)), _texts(parts), "01")


def _sorting(_task: Any, example: Example) -> Working:
    digits = example.prompt.rstrip("=")
    half = len(digits) // 2
    return Working(
        [_sorted(digits[:end]) for end in range(1, len(digits) + 1)],
        [_sorted(digits[start:]) for start in reversed(range(len(digits)))],
        [_sorted(digits[:half]), _sorted(digits[half:]), _sorted(digits)],
    )


def _modular_arithmetic(task: Any, example: Example) -> Working:
    """From the end, what is known is a map of the unknown remainder x: ax + b, written `axb`, or `b` where
    the task has no products."""
    first, *operations = re.findall(r"\d+|[-+*]\d+", example.prompt)
    steps = [(operation[0], int(operation[1:])) for operation in operations]
    half, modulus = len(steps) // 2, task.modulus
    remainders = list(
        accumulate(steps, lambda value, step: apply(step[0], value, step[1]) % modulus, initial=int(first))
    )
    answer = str(remainders[-1])
    show = (lambda a, b: f"{a}x{b}") if "*" in task.operators else (lambda _, b: str(b))
    maps = [show(*_as_map(steps[start:], modulus)) for start in reversed(range(len(steps)))]
    parts = [str(remainders[half]), show(*_as_map(steps[half:], modulus)), answer]
    return Working(_texts(remainders), [*maps, answer], parts)


def _as_map(steps: Sequence[tuple[str, int]], modulus: int) -> tuple[int, int]:
    """a and b of the map x -> ax + b that these operations are together."""
    a, b = 1, 0
    for operator, operand in steps:
        b = apply(operator, b, operand) % modulus
        a = a * operand % modulus if operator == "*" else a
    return a, b


def _recall(task: Any, example: Example) -> Working:
    shown, *asked = example.prompt.split("?")
    size = task.key_length + 1
    pairs = [shown[at : at + size] for at in range(0, len(shown), size)]
    (place,) = [at for at, pair in enumerate(pairs) if pair[:-1] == asked[-1]]
    value, half = pairs[place][-1], len(pairs) // 2
    parts = [value if place < half else ABSENT, value if place >= half else ABSENT, value]
    return Working([*pairs[: place + 1], value], [*pairs[: place - 1 if place else None : -1], value], parts)


def _needle(task: Any, example: Example) -> Working:
    """Block by block, the marked digit or its absence; a block that ends in the mark has the digit."""
    straw = example.prompt[:-1]
    place, digit = straw.index("#"), straw[straw.index("#") + 1]
    blocks = range(0, len(straw), task.block)
    before, after = (
        sum(start + task.block <= place for start in blocks),
        sum(start > place for start in blocks),
    )
    left = place < len(straw) // 2
    return Working(
        [ABSENT] * before + [digit],
        [ABSENT] * after + [digit],
        [digit if left else ABSENT, ABSENT if left else digit, digit],
    )


def _texts(values: Any) -> list[str]:
    return [str(value) for value in values]


def _sorted(digits: str) -> str:
    return "".join(sorted(digits))


WORKINGS: Mapping[str, Callable[[Any, Example], Working]] = {
    "chained_sums": _chained_sums,
    "modular_arithmetic": _modular_arithmetic,
    "needle": _needle,
    "parity": _parity,
    "recall": _recall,
    "sorting": _sorting,
}
