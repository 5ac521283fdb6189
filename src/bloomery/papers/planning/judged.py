"""What says that a plan is done, what may keep it from that, and the sizes at which it is tried."""

from dataclasses import dataclass
from typing import Literal

State = Literal["missing", "skipped", "failing", "passing", "mutation-tested"]
STATES: tuple[State, ...] = ("missing", "skipped", "failing", "passing", "mutation-tested")


@dataclass(frozen=True, kw_only=True)
class Check:
    """A line with a box: done where all that it is of has come so far; of nothing, it stays open."""

    text: str
    of: tuple[str, ...] = ()  # parts, files, gates, or groups of tasks such as "2.1"
    at_least: State = "passing"


@dataclass(frozen=True, kw_only=True)
class Checkpoint:
    """Commands that show how far the project is."""

    number: int
    title: str
    language: Literal["bash", "python"] = "bash"
    commands: tuple[str, ...] = ()
    expected: str = ""
    of: tuple[str, ...] = ()
    left_out: str = ""


@dataclass(frozen=True, kw_only=True)
class Goal:
    """A degree of success."""

    title: str
    checks: tuple[Check, ...]


@dataclass(frozen=True, kw_only=True)
class Risk:
    """What may go wrong, from what the contexts leave unclear."""

    risk: str
    impact: Literal["High", "Medium", "Low"]
    mitigation: str
    parts: tuple[str, ...] = ()


@dataclass(frozen=True, kw_only=True)
class Contingency:
    """What to do, step by step, when a risk comes true."""

    when: str
    steps: tuple[str, ...]


@dataclass(frozen=True, kw_only=True)
class Finding:
    """What is wrong with the contexts; the rest is planned all the same."""

    code: str
    severity: Literal["error", "warning"]
    owner: str  # the node that it is about
    text: str
    remedy: str


@dataclass(frozen=True, kw_only=True)
class Claim:
    """A number of a paper."""

    id: str  # "titans claim 1"
    paper: str
    dataset: str
    metric: str = ""
    direction: Literal["up", "down", ""] = ""
    value: str = ""
    source: str = ""


@dataclass(frozen=True, kw_only=True)
class Sizes:
    """A configuration's figures."""

    width: int
    layers: int
    heads: int
    sequence: int  # tokens
    batch: int  # sequences
    steps: int
    precision: str = "float32"


@dataclass(frozen=True, kw_only=True)
class Config:
    """A configuration and its sizes."""

    path: str
    sizes: Sizes
