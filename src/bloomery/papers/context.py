"""What a paper says, as data: equations, algorithms, architecture, figures, and what is uncertain in them.

Every text is held as a context file writes it: one line with single spaces, except blocks (`latex`,
`pseudocode`, `overview`, `protocol`), which keep their lines. So a context and its file say the same.
"""

import re
from dataclasses import dataclass, field
from typing import Literal

from bloomery.papers.diagnostic import Diagnostic as Diagnostic
from bloomery.papers.references import Reference as Reference
from bloomery.papers.written import BARE, BLOCK, NUMBER, PAPER, Written, bare, one_line

NOTE_KINDS = ("gotcha", "opportunity", "limitation")
PROPOSABLE = (
    "location",
    "latex",
    "plain_english",
    "variables",
    "notes",
    "requires",
    "used_by",
    "criteria",
    "readings",
)

Kind = Literal["Tensor", "Scalar", "Function"]
Direction = Literal["up", "down", ""]
Confidence = Literal["high", "medium", "low"]


@dataclass(frozen=True)
class Location(Written):
    """Where in the paper."""

    section: str = ""
    page: int | None = None


@dataclass(frozen=True)
class Variable(Written):
    """A symbol of an equation."""

    symbol: str = field(metadata=BARE)  # LaTeX
    name: str = ""
    kind: Kind = "Tensor"
    shape: str = "-"  # as declared; `shape.parse` reads it
    description: str = ""
    domain: str = ""  # where its values lie: "(0, 1)", "> 0"

    def __post_init__(self) -> None:
        super().__post_init__()
        object.__setattr__(self, "shape", bare(self.shape) or "-")


@dataclass(frozen=True)
class Reading(Written):
    """One way to read an equation that can be read in two."""

    name: str = field(metadata=BARE)
    latex: str = field(default="", metadata=BLOCK)
    note: str = ""
    chosen: bool = False

    def __post_init__(self) -> None:
        super().__post_init__()
        object.__setattr__(self, "name", self.name.replace("`", "'"))


@dataclass(frozen=True)
class Equation(Written):
    """An equation under the number that the paper prints."""

    number: str
    name: str = ""
    location: Location = Location()
    latex: str = field(default="", metadata=BLOCK)
    plain_english: str = ""
    variables: tuple[Variable, ...] = ()
    notes: tuple[str, ...] = ()
    requires: tuple[Reference, ...] = ()
    used_by: tuple[Reference, ...] = ()
    criteria: tuple[str, ...] = ()
    aliases: tuple[str, ...] = ()  # other numbers: of another version, of an appendix
    readings: tuple[Reading, ...] = ()
    uncertain: tuple[str, ...] = ()  # reasons
    proposed: tuple[str, ...] = ()  # fields that a language model filled and nobody confirmed

    def __post_init__(self) -> None:
        super().__post_init__()
        for number in (self.number, *self.aliases):
            if not re.fullmatch(NUMBER, number):
                raise ValueError(f"'{number}' is no equation number; expected one such as 13, 9a or A.2")
        if strange := set(self.proposed) - set(PROPOSABLE):
            raise ValueError(f"fields that nothing proposes: {sorted(strange)}; known: {PROPOSABLE}")
        object.__setattr__(self, "proposed", tuple(name for name in PROPOSABLE if name in self.proposed))


@dataclass(frozen=True)
class Step(Written):
    """Lines of an algorithm, and what computes them."""

    lines: str = field(metadata=BARE)  # "7" or "3-5"
    operation: str = ""
    equation: str = ""  # as written: "Eq 2, Eq 3"; `references.parse` reads it
    function: str = ""


@dataclass(frozen=True)
class Algorithm(Written):
    """Numbered pseudocode."""

    number: str
    name: str = ""
    location: Location = Location()
    purpose: str = ""
    pseudocode: str = field(default="", metadata=BLOCK)
    lines: tuple[Step, ...] = ()
    notes: tuple[str, ...] = ()
    criteria: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        super().__post_init__()
        if not re.fullmatch(NUMBER, self.number):
            raise ValueError(f"'{self.number}' is no algorithm number; expected one such as 1 or A.2")


@dataclass(frozen=True)
class Module(Written):
    """A part of the architecture."""

    name: str = field(metadata=BARE)
    section: str = ""
    input_shape: str = ""
    output_shape: str = ""
    parameters: str = ""
    detail: str = ""


@dataclass(frozen=True)
class Architecture(Written):
    """The whole as a drawing, and its modules."""

    overview: str = field(default="", metadata=BLOCK)
    modules: tuple[Module, ...] = ()


@dataclass(frozen=True)
class Hyperparameter(Written):
    """A setting that the paper states, with where it states it."""

    group: str  # "Model", "Training", or a method's name
    name: str = field(metadata=BARE)
    symbol: str = ""
    value: str = ""
    reference: str = ""
    notes: str = ""

    def __post_init__(self) -> None:
        super().__post_init__()
        group = re.sub(r"(?i)(?:\s*\bhyper-?parameters)+$", "", self.group).strip()
        object.__setattr__(self, "group", group or "Model")


@dataclass(frozen=True)
class Dataset(Written):
    """Data that the paper measures on."""

    name: str = field(metadata=BARE)
    task: str = ""
    size: str = ""
    metric: str = ""
    section: str = ""


@dataclass(frozen=True)
class Result(Written):
    """A number that the paper claims; values are texts as printed."""

    dataset: str = field(metadata=BARE)
    metric: str = ""
    direction: Direction = ""
    baseline: str = ""
    value: str = ""
    delta: str = ""
    notes: str = ""
    source: str = ""  # "Table 3"

    def __post_init__(self) -> None:
        super().__post_init__()
        arrow = re.search(r"[↑↓]", self.metric)
        if arrow and not self.direction:
            object.__setattr__(self, "direction", "up" if arrow[0] == "↑" else "down")
        object.__setattr__(self, "metric", one_line(re.sub(r"[↑↓]", "", self.metric)))


@dataclass(frozen=True)
class Resource(Written):
    """What a computation needs."""

    aspect: str = field(metadata=BARE)
    requirement: str = ""
    notes: str = ""


@dataclass(frozen=True)
class Benchmarks(Written):
    """What was measured, on what, and how."""

    datasets: tuple[Dataset, ...] = ()
    results: tuple[Result, ...] = ()
    protocol: str = field(default="", metadata=BLOCK)
    resources: tuple[Resource, ...] = ()


@dataclass(frozen=True)
class Requirement(Written):
    """What is needed of another paper."""

    paper: str = field(metadata=BARE)
    needed: str = ""
    usage: str = ""
    priority: str = ""


@dataclass(frozen=True)
class PriorWork(Written):
    """Other papers that this one stands on."""

    requirements: tuple[Requirement, ...] = ()
    concepts: tuple[str, ...] = ()
    order: tuple[str, ...] = ()  # in which to implement


@dataclass(frozen=True)
class Note(Written):
    """What an implementer should know; `quote` is what the paper says."""

    kind: Literal["gotcha", "opportunity", "limitation"]
    text: str = field(metadata=BARE)
    quote: str = ""


@dataclass(frozen=True)
class Metadata(Written):
    """How the context came to be; counts are derived, never kept."""

    version: str = "1.0"
    source: str = ""
    pages: int | None = None
    confidence: Confidence = "medium"
    needs_clarification: tuple[str, ...] = ()


@dataclass(frozen=True)
class Context(Written):
    """One paper."""

    paper_id: str  # lower case: `titans`
    title: str = ""
    full_title: str = ""
    authors: tuple[str, ...] = ()
    arxiv: str = ""
    year: int | None = None
    contribution: str = ""
    extraction_date: str = ""  # ISO
    extractor: str = ""
    equations: tuple[Equation, ...] = ()
    algorithms: tuple[Algorithm, ...] = ()
    architecture: Architecture = Architecture()
    hyperparameters: tuple[Hyperparameter, ...] = ()
    benchmarks: Benchmarks = Benchmarks()
    prior_work: PriorWork = PriorWork()
    notes: tuple[Note, ...] = ()  # by kind, in the order of NOTE_KINDS
    metadata: Metadata = Metadata()

    def __post_init__(self) -> None:
        super().__post_init__()
        if not re.fullmatch(PAPER, self.paper_id):
            raise ValueError(f"'{self.paper_id}' is no paper id; expected one such as titans or muon-2")
        object.__setattr__(self, "authors", tuple(name.replace(";", ",") for name in self.authors))
        object.__setattr__(
            self, "notes", tuple(sorted(self.notes, key=lambda note: NOTE_KINDS.index(note.kind)))
        )

    def global_id(self, number: str) -> str:
        """`titans:13`."""
        return f"{self.paper_id}:{number}"

    def equation(self, number: str) -> Equation | None:
        """The equation under this number, else the one that has it among its aliases."""
        for equation in self.equations:
            if equation.number == number:
                return equation
        return next((equation for equation in self.equations if number in equation.aliases), None)

    def counts(self) -> dict[str, int]:
        """How many there are of each, under the names of the quick reference."""
        return {
            "equations": len(self.equations),
            "algorithms": len(self.algorithms),
            "layers/modules": len(self.architecture.modules),
            "hyperparameters": len(self.hyperparameters),
            "benchmarks": len(self.benchmarks.datasets),
        }
