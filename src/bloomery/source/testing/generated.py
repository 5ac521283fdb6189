"""What test generation gives back, and what it may ask of a language model."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from bloomery.source.testing.effort import Effort


@dataclass(frozen=True)
class Request:
    """What a model is told: the module's import name and text, the text of the tests that there are, and what
    those leave unnoticed (wrong versions, in words) and unrun (line numbers)."""

    module: str
    source: str
    tests: str
    survivors: tuple[str, ...]
    unrun: tuple[int, ...]


WriteBy = Callable[[Request], str]  # gives the text of a pytest file; nothing in it is believed


@dataclass(frozen=True)
class GeneratedTest:
    """A test that passes on the module as it is. `kills`: the wrong versions that it fails on, in words;
    `adds`: lines that only it runs."""

    name: str
    text: str
    callee: str
    kills: tuple[str, ...]
    adds: tuple[int, ...] = ()


@dataclass(frozen=True)
class Generated:
    """Proved tests of one module; `path` is where their file belongs, relative to the root.

    Mutants and lines are counted over the whole module: with the tests that there were, and with these too.
    `notes` say what was left out and why; `text` is empty where nothing was worth keeping.
    """

    path: str
    text: str
    tests: tuple[GeneratedTest, ...]
    mutants: int
    killed_before: int
    killed: int
    lines: int
    covered_before: int
    covered: int
    survivors: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()
    seed: int = 0
    effort: Effort = "standard"
    dropped: Mapping[str, str] = field(default_factory=dict)

    @property
    def score(self) -> float | None:
        """The share of mutants that are noticed; None where there is none."""
        return self.killed / self.mutants if self.mutants else None
