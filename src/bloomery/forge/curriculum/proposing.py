"""Where a curriculum's problems come from: the tasks' generators, or a proposer that the caller brings."""

import random
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

from bloomery.core.errors import ConfigError
from bloomery.forge.data import Recorded, task_parts
from bloomery.tasks.ingredient import Ingredient
from bloomery.tasks.splitting import DRAWS_PER_EXAMPLE, draw_from, side_of
from bloomery.tasks.task import Example, Task


class TaskProposer(Protocol):
    """Writes problems for a task at a difficulty; whatever it writes, the task's own scorer grades."""

    def propose(self, task: Task, difficulty: int, count: int, rng: random.Random) -> Sequence[Example]: ...


class Generators:
    """The tasks' own generators."""

    def propose(self, task: Task, difficulty: int, count: int, rng: random.Random) -> Sequence[Example]:
        return [draw_from(task, "train", rng, difficulty) for _ in range(count)]


@dataclass(frozen=True)
class Checked:
    """A proposer whose problems are looked at: they can be graded and learned, and no test holds them."""

    proposer: TaskProposer
    fits: Callable[[Example], bool]  # whether a problem is short enough to be learned from

    def propose(self, task: Task, difficulty: int, count: int, rng: random.Random) -> Sequence[Example]:
        """Raises: ConfigError naming what is wrong, or where no problem is left that is not held out."""
        found: list[Example] = []
        for _ in range(DRAWS_PER_EXAMPLE):
            proposed = self.proposer.propose(task, difficulty, count - len(found), rng)
            found += [one for one in proposed if _sound(task, one) and self._usable(one)]
            if len(found) >= count or not proposed:
                break
        if len(found) < count:
            raise ConfigError(
                f"{type(self.proposer).__name__} gave {len(found)} usable problems of '{task.name}' at "
                f"difficulty {difficulty}, not {count}: others were held out for tests or longer than a row; "
                "ask for fewer, or let it write more"
            )
        return found[:count]

    def _usable(self, one: Example) -> bool:
        return side_of(one.prompt) == "train" and self.fits(one)


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


def _sound(task: Task, one: Example) -> bool:
    """Raises: ConfigError for a problem whose own answer its task would not accept."""
    if not one.answer or task.score(one, one.answer) < 1.0:
        raise ConfigError(
            f"a proposed problem of '{task.name}' has no answer that the task's scorer accepts: "
            f"{one.prompt[:60]!r} -> {one.answer[:40]!r}; propose problems with their answers"
        )
    return True
