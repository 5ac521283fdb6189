"""Designs of an agent from one model and its experts: what a genome of the search stands for. No torch here.

Source: arXiv 2408.08435 (ADAS) for searching over how an agent answers
Differs: designs are composed from a small archive of strategies; no language model writes their code.
"""

from collections.abc import Hashable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from bloomery.core.errors import UnknownName
from bloomery.forge.evolving.genome import NEUTRAL, Genome, Space

# plan: a first pass chooses the prompt's expert; tools: calls that are written are carried out; check: is the
# answer believed; retry: by another one
ARCHIVE: Mapping[str, tuple[str, ...]] = {
    "act": ("act",),
    "plan act": ("plan", "act"),
    "act with tools": ("act", "tools"),
    "plan act with tools": ("plan", "act", "tools"),
    "act check retry": ("act", "check", "retry"),
    "plan act check retry": ("plan", "act", "check", "retry"),
}
QUIET = 0.1  # a weight below it is none
ACTS, TOOLS = "act", "tools"


@dataclass(frozen=True, kw_only=True)
class Design:
    """How the model answers.

    `weights` mix the experts, `strengths` are factors of each layer; an answer of less than `threshold` mean
    probability is not believed; `thoughts` are tokens written before an answer; `settings` change the config.
    """

    strategy: str
    weights: tuple[float, ...]
    strengths: tuple[float, ...]
    threshold: float = 0.5
    thoughts: int = 0
    settings: Mapping[str, Any] = field(default_factory=dict)

    @property
    def steps(self) -> tuple[str, ...]:
        return ARCHIVE[self.strategy]

    @property
    def dispatches(self) -> bool:
        """Whether prompts go to experts of their own."""
        return "plan" in self.steps or "retry" in self.steps

    @property
    def turns(self) -> bool:
        """Whether any expert is ever at work."""
        return any(self.strengths) and (self.dispatches or any(self.weights))


@dataclass(frozen=True, kw_only=True)
class DesignSpace:
    """All designs over so many experts and layers.

    Genes, in this order: a weight for each expert, a strength for each layer (1 in the middle, 0 in the
    lowest quarter), the threshold, the thought's length, and one for each setting, in equal shares of its
    choices. `settings` are the choices; the model's own is the first.
    Raises: UnknownName for a strategy that the archive does not hold.
    """

    strategies: tuple[str, ...]
    experts: int
    layers: int
    settings: Mapping[str, Sequence[Any]] = field(default_factory=dict)
    thoughts: int = 0

    def __post_init__(self) -> None:
        for name in self.strategies:
            if name not in ARCHIVE:
                raise UnknownName("strategy", name, ARCHIVE)

    @property
    def forms(self) -> tuple[str, ...]:
        """The strategies; `act` is always among them, for that is how the given model answers."""
        return tuple(dict.fromkeys((ACTS, *self.strategies)))

    @property
    def space(self) -> Space:
        return Space(self.forms, self.experts + self.layers + 2 + len(self.settings))

    def design(self, genome: Genome) -> Design:
        genes = list(genome.genes)
        weights = [0.0 if gene < QUIET else gene for gene in genes[: self.experts]]
        strengths = [max(0.0, 4 * gene - 1) for gene in genes[self.experts : self.experts + self.layers]]
        threshold, thoughts, *chosen = genes[self.experts + self.layers :]
        settings = {
            name: choices[min(len(choices) - 1, int(gene * len(choices)))]
            for (name, choices), gene in zip(self.settings.items(), chosen, strict=True)
        }
        return Design(
            strategy=genome.form, weights=tuple(weights), strengths=tuple(strengths), threshold=threshold,
            thoughts=round(thoughts * self.thoughts), settings=settings,
        )  # fmt: skip

    def essence(self, genome: Genome) -> Hashable:
        """What of a genome has any effect."""
        design = self.design(genome)
        return (
            design.strategy if design.turns or design.dispatches or TOOLS in design.steps else ACTS,
            design.strengths if design.turns else (),
            design.weights if design.turns and "plan" not in design.steps else (),
            design.threshold if "check" in design.steps else 0.0,
            design.thoughts,
            tuple(design.settings.values()),
        )

    def first(self) -> list[Genome]:
        """Generation 0: the model as it was given, each expert alone, all alike, and every other strategy."""
        one = [tuple(float(i == j) for j in range(self.experts)) for i in range(self.experts)]
        none, alike = (0.0,) * self.experts, (1 / self.experts,) * self.experts
        found = [self._genome(ACTS, weights) for weights in (none, *one, alike)]
        return found + [self._genome(name, alike) for name in self.forms if name != ACTS]

    def _genome(self, form: str, weights: tuple[float, ...]) -> Genome:
        own = tuple(0.5 / len(choices) for choices in self.settings.values())
        return Genome(form, (*weights, *(NEUTRAL,) * self.layers, NEUTRAL, 0.0, *own))
