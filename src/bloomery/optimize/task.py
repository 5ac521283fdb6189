"""What an agent is asked to do to a codebase."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from bloomery.optimize.proposal import Goal, Target
from bloomery.optimize.validating.verdict import Level


@dataclass(frozen=True, kw_only=True)
class OptimizationTask:
    """A goal for some files of a repository.

    `paths` are files relative to `root`, with forward slashes; `tests` files or folders of tests, relative
    too. `description` is what a person said about it: it feeds prompts and issue texts. `most` is how many
    proposals may be tried: the budget is counted, so that a busy machine decides nothing. `rivals`: how
    many compete with each other, in methods in which they do.
    """

    root: Path
    paths: tuple[str, ...]
    goal: Goal
    description: str = ""
    tests: tuple[str, ...] = ()
    level: Level = "standard"
    proposers: tuple[str, ...] = field(default=())
    most: int = 40
    rivals: int = 5
    seed: int = 0

    @property
    def targets(self) -> Iterator[Target]:
        return (Target(self.root, path) for path in self.paths)
