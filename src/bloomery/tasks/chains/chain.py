"""Correct chains of thought for generated tasks, in seven strategies, as short as a byte model needs them.

For `3+5+9+2=`:

    chain_of_thought  3,8,17,19            partial results from the beginning
    self_check        3,8,17,19;2,11,16,19 the same work a second time, from the other end
    decomposition     8|11|19              two halves, and what they make together
    analogy           4+7=11~3,8,17,19     a small example of the same task first
    verification      19?3,8,17,19         an answer first, then the work that it must agree with
    sketch            8,19                 every other partial result
    self_correction   3,8,14!17,19         a slip, and what it should have been

What stands last is the answer. Partial results of one character (parity's) have nothing between them: a chain
then goes through the prompt at the prompt's pace, so that what comes next always stands at the same distance.
"""

import random
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from bloomery.core.errors import UnknownName
from bloomery.tasks.chains.working import Working, working
from bloomery.tasks.splitting import draw_from
from bloomery.tasks.task import LETTERS, Example, Task

NEXT, AGAIN, PART, LIKE, CLAIM, SLIP = ",", ";", "|", "~", "?", "!"
UNSPACED = ("parity",)  # tasks whose partial results are one character each


@dataclass(frozen=True)
class Chain:
    """A chain's text; `slip` is the part, from one character to another, that is wrong: not to be learned."""

    text: str
    slip: tuple[int, int] | None = None


Strategy = Callable[[Task, Working, random.Random], Chain]


def chain(task: Task, example: Example, strategy: str, rng: random.Random) -> str:
    """The text of a chain that ends in the example's answer.

    Raises: UnknownName for a strategy or for a task that chains are not written for.
    """
    return written(task, example, strategy, rng).text


def written(task: Task, example: Example, strategy: str, rng: random.Random) -> Chain:
    """The same, with where it slips on purpose."""
    if strategy not in STRATEGIES:
        raise UnknownName("strategy", strategy, STRATEGIES)
    return STRATEGIES[strategy](task, working(task, example), rng)


def last_value(task: Task, text: str) -> str:
    """What a chain comes to."""
    last = re.split(f"[{re.escape(NEXT + AGAIN + PART + LIKE + CLAIM + SLIP)}]", text)[-1]
    return last[-1:] if task.name in UNSPACED else last


def _between(task: Task) -> str:
    return "" if task.name in UNSPACED else NEXT


def _in_turn(task: Task, values: Sequence[str]) -> str:
    return _between(task).join(values)


def _chain_of_thought(task: Task, found: Working, _rng: random.Random) -> Chain:
    return Chain(_in_turn(task, found.partials))


def _self_check(task: Task, found: Working, _rng: random.Random) -> Chain:
    return Chain(_in_turn(task, found.partials) + AGAIN + _in_turn(task, found.again))


def _decomposition(_task: Task, found: Working, _rng: random.Random) -> Chain:
    return Chain(PART.join(found.parts))


def _analogy(task: Task, found: Working, rng: random.Random) -> Chain:
    """The analogous prompt is none that is held out for tests."""
    simple = draw_from(task, "train", rng, _easiest(task, rng))
    return Chain(simple.prompt + simple.answer + LIKE + _in_turn(task, found.partials))


def _verification(task: Task, found: Working, _rng: random.Random) -> Chain:
    return Chain(found.partials[-1] + CLAIM + _in_turn(task, found.partials))


def _sketch(task: Task, found: Working, _rng: random.Random) -> Chain:
    return Chain(_in_turn(task, found.partials[::-2][::-1]))


def _self_correction(task: Task, found: Working, rng: random.Random) -> Chain:
    at = rng.randrange(len(found.partials))
    wrong = _slipped(found.partials[at], found.symbols, rng)
    before = "".join(value + _between(task) for value in found.partials[:at])
    text = before + wrong + SLIP + _in_turn(task, found.partials[at:])
    return Chain(text, (len(before), len(before) + len(wrong)))


def _slipped(value: str, symbols: str, rng: random.Random) -> str:
    """One character is another one of its kind."""
    at = rng.randrange(len(value))
    kind = LETTERS if value[at] in LETTERS else symbols
    other = rng.choice([symbol for symbol in kind if symbol != value[at]])
    return value[:at] + other + value[at + 1 :]


def _easiest(task: Task, rng: random.Random) -> int:
    """One of the two lowest difficulties: the very lowest may have too few prompts to differ."""
    return rng.choice(task.difficulties[:2])


STRATEGIES: Mapping[str, Strategy] = {
    "chain_of_thought": _chain_of_thought,
    "self_check": _self_check,
    "decomposition": _decomposition,
    "analogy": _analogy,
    "verification": _verification,
    "sketch": _sketch,
    "self_correction": _self_correction,
}
