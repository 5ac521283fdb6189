"""What is to be improved, and what a proposer makes of it."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from random import Random
from typing import Any, Literal, Protocol

Goal = Literal["speed", "memory", "fix", "robustness", "security", "coverage"]
Safety = Literal["proven", "candidate"]
Part = Literal["alone", "rival", "actor", "mender"]


@dataclass(frozen=True, kw_only=True)
class Known:
    """What a method found out that the text does not say, in words; language models are shown it.

    `part`: which part of the method's work a proposal is for. `functions`: those that it is about, the most
    urgent first; none for all. `failing` and `tried` are by function: tests that fail with what they say, and
    what was proposed before with what was measured of it. `rivals` may grow while proposals are made;
    `counterexamples`: inputs on which some of them differ from the original. `kind`: the change that is
    looked for. `forecast`: what a critic expects of it. `weakness`: what broke under which fault.
    """

    part: Part = "alone"
    functions: tuple[str, ...] = ()
    failing: Mapping[str, Sequence[str]] = field(default_factory=dict)
    tried: Mapping[str, Sequence[str]] = field(default_factory=dict)
    rivals: Sequence["Proposal"] = ()
    counterexamples: tuple[str, ...] = ()
    kind: str = ""
    forecast: str = ""
    weakness: str = ""


NOTHING = Known()


@dataclass(frozen=True)
class Target:
    """A file of a repository, or one function of it.

    `path` is relative to `root`, with forward slashes; `function` is a qualified name such as `Queue.pop`.
    """

    root: Path
    path: str
    function: str | None = None
    known: Known = field(default=NOTHING, compare=False)

    @property
    def text(self) -> str:
        return (self.root / self.path).read_text()


@dataclass(frozen=True)
class Proposal:
    """A change of source text that somebody thinks is better.

    `texts` holds each changed file's whole new text by its path. `safety` is "proven" only where a proposer
    checked conditions under which the meaning cannot change; both kinds are validated alike. `facts` are what
    the proposer itself found out: its `rank` (0: likeliest) among its proposals for the same files, and that
    it is `slower` where it is.
    """

    proposer: str
    operator: str
    why: str
    texts: Mapping[str, str]
    function: str | None = None
    safety: Safety = "candidate"
    facts: Mapping[str, Any] = field(default_factory=dict, compare=False)


class Proposer(Protocol):
    """Makes proposals, the most promising first; equal seeds make equal ones."""

    @property
    def name(self) -> str: ...

    def propose(self, target: Target, goal: Goal, *, rng: Random) -> Iterator[Proposal]: ...
