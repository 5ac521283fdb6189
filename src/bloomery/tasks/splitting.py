"""Examples for training and for testing that never share a prompt.

A prompt belongs to one side by its own hash, so that an endless training stream and a test set drawn by
different processes, with different seeds, are disjoint without knowing of each other.
"""

import random
from collections.abc import Collection, Sequence
from hashlib import sha256
from typing import Literal

from bloomery.core.errors import ConfigError
from bloomery.tasks.task import Example, Task

Side = Literal["train", "test"]
HELD_OUT_OF_256 = 32
DRAWS_PER_EXAMPLE = 1000


def side_of(prompt: str) -> Side:
    """One prompt of eight is held out for tests, whatever the seed."""
    return "test" if sha256(prompt.encode()).digest()[0] < HELD_OUT_OF_256 else "train"


def draw_from(task: Task, side: Side, rng: random.Random, difficulty: int) -> Example:
    """The next example that is on this side.

    Raises: ConfigError where none comes, as with a task that has only a few prompts.
    """
    for _ in range(DRAWS_PER_EXAMPLE):
        example = task.example(rng, difficulty)
        if side_of(example.prompt) == side:
            return example
    raise ConfigError(f"task '{task.name}' has no {side} prompts at difficulty {difficulty}; make it harder")


def examples(
    task: Task,
    side: Side,
    *,
    count: int,
    seed: int,
    difficulties: Sequence[int],
    fewer_ok: bool = False,
) -> list[Example]:
    """`count` examples with different prompts, shared out evenly over the difficulties.

    With `fewer_ok`, a difficulty that has too few different prompts gives those that were found.

    Raises: ConfigError where the task has too few different prompts.
    """
    seen: set[str] = set()
    chosen: list[Example] = []
    for difficulty, share in _shares(count, difficulties):
        found = _distinct(task, side, share, seed, difficulty, seen)
        if len(found) < share and not fewer_ok:
            raise ConfigError(
                f"task '{task.name}' has only {len(found)} different {side} prompts at difficulty "
                f"{difficulty}, not {share}; ask for fewer or for harder ones"
            )
        chosen += found
    if not chosen and count:
        raise ConfigError(f"task '{task.name}' has no {side} prompts at difficulties {list(difficulties)}")
    return chosen


def split(
    task: Task, *, seed: int, train: int, test: int, difficulties: Sequence[int], fewer_ok: bool = False
) -> tuple[list[Example], list[Example]]:
    """`train` and `test` examples without a repeated prompt within either or between them."""

    def side(which: Side, count: int) -> list[Example]:
        return examples(task, which, count=count, seed=seed, difficulties=difficulties, fewer_ok=fewer_ok)

    return side("train", train), side("test", test)


def _shares(count: int, difficulties: Collection[int]) -> list[tuple[int, int]]:
    if not difficulties:
        raise ConfigError("no difficulties given; name at least one")
    each, over = divmod(count, len(difficulties))
    return [(difficulty, each + (i < over)) for i, difficulty in enumerate(difficulties)]


def _distinct(
    task: Task, side: Side, count: int, seed: int, difficulty: int, seen: set[str]
) -> list[Example]:
    rng = random.Random(f"{task.name}/{side}/{seed}/{difficulty}")
    found: list[Example] = []
    for _ in range(DRAWS_PER_EXAMPLE + 100 * count):
        if len(found) == count:
            break
        example = task.example(rng, difficulty)
        if side_of(example.prompt) == side and example.prompt not in seen:
            seen.add(example.prompt)
            found.append(example)
    return found
