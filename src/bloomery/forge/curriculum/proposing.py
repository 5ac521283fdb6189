"""Where a curriculum's problems come from: the tasks' generators, or a proposer that the caller brings."""

import random
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Protocol

from bloomery.core.errors import ConfigError
from bloomery.forge.data import Recorded, task_parts
from bloomery.tasks.ingredient import Ingredient
from bloomery.tasks.splitting import DRAWS_PER_EXAMPLE, draw_from, side_of
from bloomery.tasks.task import Example, GeneratedTask, Task


class TaskProposer(Protocol):
    """Writes problems for a task at a difficulty; whatever it writes is computed again before it is used.

    By `name` unfinished work is found again: two that write differently are named differently.
    """

    @property
    def name(self) -> str: ...

    def propose(self, task: Task, difficulty: int, count: int, rng: random.Random) -> Sequence[Example]: ...


class Generators:
    """The tasks' own generators."""

    name = "generators"

    def propose(self, task: Task, difficulty: int, count: int, rng: random.Random) -> Sequence[Example]:
        return [draw_from(task, "train", rng, difficulty) for _ in range(count)]


@dataclass(frozen=True)
class Checked:
    """A proposer whose problems are computed again: their answers are right, no test holds them, and they are
    short enough. What is refused is counted by its reason.
    """

    proposer: TaskProposer
    fits: Callable[[Example], bool]  # whether a problem is short enough to be learned from
    refused: Counter[str] = field(default_factory=Counter)

    @property
    def name(self) -> str:
        return self.proposer.name

    def propose(self, task: Task, difficulty: int, count: int, rng: random.Random) -> Sequence[Example]:
        """Raises: ConfigError where too few problems are left, naming why the others were refused."""
        found: list[Example] = []
        before = self.refused.copy()
        for _ in range(DRAWS_PER_EXAMPLE):
            proposed = self.proposer.propose(task, difficulty, count - len(found), rng)
            found += [one for one in proposed if self._usable(task, one)]
            if len(found) >= count or not proposed:
                break
        if len(found) < count:
            refused = ", ".join(f"{number} {why}" for why, number in (self.refused - before).items())
            raise ConfigError(
                f"{self.name} gave {len(found)} usable problems of '{task.name}' at difficulty {difficulty}, "
                f"not {count} (refused: {refused or 'none'}): ask for fewer, or let it write more"
            )
        return found[:count]

    def _usable(self, task: Task, one: Example) -> bool:
        why = _unsound(task, one)
        if why is None and side_of(one.prompt) != "train":
            why = "held out for tests"
        if why is None and not self.fits(one):
            why = "longer than a row"
        if why is not None:
            self.refused[why] += 1
        return why is None


def graded_tasks(mixture: Mapping[str, Ingredient]) -> dict[str, Task]:
    """The tasks of a mixture that have difficulties and an exact scorer, which recorded data sets have not.

    Raises: ConfigError where there is none.
    """
    parts = [(name, given) for name, given in mixture.items() if given.weight > 0]
    tasks = {name: task_parts({name: given})[0][0] for name, given in parts}
    found = {name: task for name, task in tasks.items() if not isinstance(task, Recorded)}
    if not found:
        raise ConfigError(
            f"a curriculum needs a task with difficulties and an exact scorer, and the mixture has none "
            f"({', '.join(tasks) or 'it is empty'}): add a generated task"
        )
    return found


def _unsound(task: Task, one: Example) -> str | None:
    """What is wrong with a problem, by the task's own computation; its score knows only the answer given."""
    answer = task.solve(one.prompt) if isinstance(task, GeneratedTask) else None
    if answer is None:
        return "no prompt that the task can compute"
    return None if one.answer == answer else "with a wrong answer"
