"""What a walk through a document gathers, in the order in which a reader meets it."""

from dataclasses import dataclass, field

from bloomery.papers.reading.tex import floats
from bloomery.papers.reading.tex.displays import Row
from bloomery.papers.reading.tex.references import Labels, Target
from bloomery.papers.reading.tex.tokens import Token


@dataclass
class Heading:
    level: int
    number: str
    latex: str
    at: Token


@dataclass
class Passage:
    """A paragraph, or what of it stands between two displays."""

    latex: str
    at: Token


@dataclass
class Shown:
    """A numbered row of a display; rows of one display share its count."""

    number: str
    row: Row
    display: int
    reasons: tuple[str, ...] = ()


@dataclass
class Float:
    kind: str
    found: floats.Found
    at: Token


Item = Heading | Passage | Shown | Float


@dataclass
class Body:
    items: list[Item] = field(default_factory=list)
    labels: Labels = field(default_factory=dict)
    used: list[tuple[str, Token]] = field(default_factory=list)  # labels referred to
    titles: list[str] = field(default_factory=list)
    authors: list[str] = field(default_factory=list)
    dates: list[str] = field(default_factory=list)
    abstract: str = ""
    bibliography: list[tuple[str, str]] = field(default_factory=list)
    unnumbered: int = 0
    here: Target | None = None  # what a \label names now
