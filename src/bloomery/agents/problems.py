"""A language model as a writer of problems for a curriculum, which computes every answer again itself."""

import random
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Protocol, TypeVar

from bloomery.agents.prompting import prompt
from bloomery.agents.questions import Ask

SHOWN = 4  # examples that tell the form


class Problem(Protocol):
    """A prompt with its one right answer; made anew by `type(problem)(prompt, answer, difficulty)`."""

    @property
    def prompt(self) -> str: ...

    @property
    def answer(self) -> str: ...


E = TypeVar("E", bound=Problem)
E_co = TypeVar("E_co", bound=Problem, covariant=True)


class Source(Protocol[E_co]):
    """A task that draws examples of a difficulty."""

    @property
    def name(self) -> str: ...

    def example(self, rng: random.Random, difficulty: int) -> E_co: ...


@dataclass(frozen=True)
class ModelProblems:
    """Writes problems of the form of a few drawn ones. `name` tells which models are asked.

    A model that writes few usable problems is not asked for ever: after `most` requests for a task at a
    difficulty it writes none. Raises: NoModel, BudgetSpent, NoAnswer.
    """

    ask: Ask
    name: str
    most: int = 8
    _asked: Counter[tuple[str, int]] = field(default_factory=Counter, repr=False)

    def propose(self, task: Source[E], difficulty: int, count: int, rng: random.Random) -> Sequence[E]:
        from bloomery.agents.answers import Problems

        if self._asked[task.name, difficulty] >= self.most:
            return []
        self._asked[task.name, difficulty] += 1
        shown = [task.example(rng, difficulty) for _ in range(SHOWN)]
        asked = prompt("problems").fill(
            task=task.name, difficulty=difficulty, count=count, draw=rng.randrange(10**6),
            examples="\n".join(f"{one.prompt!r} -> {one.answer!r}" for one in shown),
        )  # fmt: skip
        written = self.ask(asked, Problems).value.problems
        make = type(shown[0])
        return [make(one.prompt, one.answer, difficulty) for one in written]  # type: ignore[call-arg]
