"""The contract between a method and what it works with."""

from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol

from bloomery.optimize.proposal import NOTHING, Known, Proposal
from bloomery.optimize.surveying import Survey
from bloomery.optimize.task import OptimizationTask
from bloomery.optimize.validating.verdict import Level, Verdict


@dataclass(frozen=True)
class Judged:
    """A proposal with the verdict on it; `facts`: what the method measured beside (scores, predictions)."""

    proposal: Proposal
    verdict: Verdict
    facts: Mapping[str, Any] = field(default_factory=dict)


class Bench(Protocol):
    """What a method may do: ask proposers, have proposals validated, say what it is at.

    The count of proposals is kept here: `propose` ends when the task's `most` are given out.
    """

    @property
    def task(self) -> OptimizationTask: ...

    def propose(
        self,
        *,
        proposer: str | None = None,
        path: str | None = None,
        known: Known = NOTHING,
        without: Collection[str] = (),
    ) -> Iterator[Proposal]:
        """From one proposer or from all of the task's in turn, for one path or for all.

        From one that the task does not ask, or that is in `without`, nothing comes. `known` is told to those
        who can read it.
        """

    def asks(self, proposer: str) -> bool:
        """Whether a proposer of this name is asked."""

    def validate(self, proposal: Proposal, *, level: Level | None = None) -> Verdict:
        """At the task's level, unless another is named."""

    def say(self, event: str, **facts: Any) -> None:
        """Told to whoever watches, and kept in the audit."""

    def note(self, kind: str, path: str, **about: Any) -> None:
        """What was found wrong in a file, for the statistics; the same is counted once."""

    @property
    def survey(self) -> Survey:
        """What the task's tests did before any change, and which of them run which lines of its files."""

    def recall(self, name: str) -> Any:
        """What a method learned in this workspace, by a name; None where it has not learned anything yet."""

    def remember(self, name: str, value: Any) -> None:
        """Keep what a method learned, of plain values; what was kept before stays, as its history."""

    def once(self, kind: str, make: Callable[[], Any], **about: Any) -> Any:
        """Plain values that `make` gave earlier for the same in this tree; it is called where it did not."""

    def history(self, name: str) -> Sequence[Any]:
        """Everything that was remembered under a name, the oldest first."""


class Method(Protocol):
    """Looks for better versions; gives each that was judged as soon as it was, accepted or not."""

    @property
    def name(self) -> str: ...

    def improve(self, bench: Bench) -> Iterator[Judged]: ...
