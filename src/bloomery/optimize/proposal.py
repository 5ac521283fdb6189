"""What is to be improved, and what a proposer makes of it."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from random import Random
from typing import Literal, Protocol

Goal = Literal["speed", "memory", "fix", "robustness", "security", "coverage"]
Safety = Literal["proven", "candidate"]


@dataclass(frozen=True)
class Target:
    """A file of a repository, or one function of it.

    `path` is relative to `root`, with forward slashes; `function` is a qualified name such as `Queue.pop`.
    """

    root: Path
    path: str
    function: str | None = None

    @property
    def text(self) -> str:
        return (self.root / self.path).read_text()


@dataclass(frozen=True)
class Proposal:
    """A change of source text that somebody thinks is better.

    `texts` holds each changed file's whole new text by its path. `safety` is "proven" only where a proposer
    checked conditions under which the meaning cannot change; both kinds are validated alike.
    """

    proposer: str
    operator: str
    why: str
    texts: Mapping[str, str]
    function: str | None = None
    safety: Safety = "candidate"


class Proposer(Protocol):
    """Makes proposals, the most promising first; equal seeds make equal ones."""

    @property
    def name(self) -> str: ...

    def propose(self, target: Target, goal: Goal, *, rng: Random) -> Iterator[Proposal]: ...
