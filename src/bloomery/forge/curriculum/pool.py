"""A pool of problems that empties as they are mastered: a pure state machine.

Solved: a variant takes the problem's place and the streak goes on. Solved three times in a row without a
hint: mastered, and out of the pool. Failed: the streak is over, and the same problem comes back later with a
hint, at most five. Solved with a hint: a variant comes, without one, and the streak begins at nothing.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from math import ceil

from bloomery.tasks.task import Example

STREAK, HINTS = 3, 5


@dataclass(frozen=True)
class Problem:
    """A place in the pool: the example that is asked there now, and how it went so far."""

    number: int
    task: str
    example: Example
    streak: int = 0
    hints: int = 0
    tries: int = 0


Variant = Callable[[Problem], Example]


@dataclass(frozen=True)
class Pool:
    """The open problems in the order in which they will be asked, and how many were mastered."""

    open: tuple[Problem, ...]
    mastered: int = 0

    @property
    def size(self) -> int:
        """Open and mastered."""
        return len(self.open) + self.mastered


def after(problem: Problem, right: bool, variant: Variant, *, streak: int = STREAK) -> Problem | None:
    """The problem as it will be asked next, or None once it is mastered."""
    tried = replace(problem, tries=problem.tries + 1)
    if not right:
        return replace(tried, streak=0, hints=min(problem.hints + 1, HINTS))
    if problem.hints:
        return replace(tried, streak=0, hints=0, example=variant(problem))
    if problem.streak + 1 >= streak:
        return None
    return replace(tried, streak=problem.streak + 1, example=variant(problem))


def turn(pool: Pool, outcomes: Mapping[int, bool], variant: Variant, *, streak: int = STREAK) -> Pool:
    """The pool after an attempt at the problems of these numbers, which go to its end."""
    waiting = [one for one in pool.open if one.number not in outcomes]
    tried = [
        after(one, outcomes[one.number], variant, streak=streak)
        for one in pool.open
        if one.number in outcomes
    ]
    back = [one for one in tried if one is not None]
    return Pool((*waiting, *back), pool.mastered + len(tried) - len(back))


def hint(problem: Problem) -> str:
    """The beginning of the right answer: a fifth of it for each hint, at least one character."""
    answer = problem.example.answer
    return answer[: ceil(len(answer) * problem.hints / HINTS)]


def fill(examples: Sequence[tuple[str, Example]]) -> Pool:
    """A pool of these examples, each with its task's name."""
    return Pool(tuple(Problem(number, task, one) for number, (task, one) in enumerate(examples)))
