"""A task: a source of examples with a difficulty knob and an exact scorer."""

import random
from abc import ABC, abstractmethod
from dataclasses import dataclass
from typing import ClassVar, NamedTuple, Protocol

from bloomery.core.errors import ConfigError

DIGITS = "0123456789"
LETTERS = "abcdefghijklmnopqrstuvwxyz"


@dataclass(frozen=True)
class Example:
    """A prompt, the one text that answers it, and how hard it is.

    `worked` are the parts of the prompt, from one character to another, that follow from what stands before
    them, as the answers to earlier questions do: a model is trained on them too and never scored on them.
    """

    prompt: str
    answer: str
    difficulty: int
    worked: tuple[tuple[int, int], ...] = ()


class Task(Protocol):
    """What trains and measures a model; its scores are only comparable within one `version`."""

    @property
    def name(self) -> str: ...

    @property
    def version(self) -> int: ...

    @property
    def difficulties(self) -> range: ...

    def example(self, rng: random.Random, difficulty: int) -> Example: ...

    def score(self, example: Example, text: str) -> float:
        """1 for a right answer, 0 for a wrong one, never anything for a text that is not an answer."""
        ...

    def chance(self, difficulty: int) -> float:
        """The accuracy of the best guess that does not do the task; the class says which guess that is."""
        ...

    def cost(self, difficulty: int) -> int:
        """What grows with difficulty; the class says in which unit."""
        ...


class Drawn(NamedTuple):
    """A prompt, its answer, and the parts of the prompt that are answers too."""

    prompt: str
    answer: str
    worked: tuple[tuple[int, int], ...] = ()


class GeneratedTask(ABC):
    """A task whose prompts are drawn at random and whose answers are compared as text."""

    name: ClassVar[str]
    version: ClassVar[int] = 1

    @property
    @abstractmethod
    def difficulties(self) -> range: ...

    @abstractmethod
    def draw(self, rng: random.Random, difficulty: int) -> Drawn:
        """All randomness comes from `rng`."""

    @abstractmethod
    def chance(self, difficulty: int) -> float: ...

    @abstractmethod
    def cost(self, difficulty: int) -> int: ...

    def example(self, rng: random.Random, difficulty: int) -> Example:
        """Raises: ConfigError where the task has no such difficulty."""
        check_difficulty(self, difficulty)
        drawn = self.draw(rng, difficulty)
        return Example(drawn.prompt, drawn.answer, difficulty, drawn.worked)

    def score(self, example: Example, text: str) -> float:
        return float(text == example.answer)

    def solve(self, prompt: str) -> str | None:
        """The answer, computed from the prompt alone; None for what is no prompt of this task, and where a
        task has no such computation.

        Where others write the prompts: a score compares with the answer that came with one.
        """
        return None


def check_difficulty(task: Task, difficulty: int) -> None:
    levels = task.difficulties
    if difficulty not in levels:
        raise ConfigError(
            f"task '{task.name}' has difficulties {levels.start} to {levels[-1]}, not {difficulty!r}"
        )


def benchmark(task: Task) -> str:
    """The name that stands beside every score of this task."""
    return f"{task.name} v{task.version}"
