"""A plan as data: what is to be written, and in which order."""

from dataclasses import dataclass
from functools import cached_property
from pathlib import PurePosixPath
from typing import Literal

from bloomery.papers.planning.judged import Check, Checkpoint, Claim, Config, Contingency, Finding, Goal, Risk

IntentName = Literal["validate", "full", "component", "extend", "benchmark"]
EnvironmentName = Literal["cpu", "gpu", "colab-free", "colab-pro"]
PartKind = Literal["equation", "algorithm", "module"]
TaskKind = Literal[
    "setup",
    "equation test",
    "foundation",
    "equation",
    "algorithm",
    "module",
    "model",
    "training",
    "config",
    "extension",
    "claim",
    "quality",
    "document",
    "release",
]
FileKind = Literal[
    "source", "equation test", "layer test", "integration test", "fixtures", "config", "document", "project"
]
Priority = Literal["P0", "P1", "P2"]


@dataclass(frozen=True, kw_only=True)
class Paper:
    """A paper of the plan; `digest` is that of the context which was planned."""

    id: str
    title: str = ""
    arxiv: str = ""
    context_file: str = ""
    digest: str = ""


@dataclass(frozen=True, kw_only=True)
class Part:
    """An equation, algorithm or module, its place in the graph and its files."""

    id: str  # "titans:13", "titans:algorithm 1", "titans:module lmm"
    kind: PartKind
    paper: str
    label: str  # "Eq 13"
    name: str = ""
    level: int  # 1 and up; the foundation is level 0
    priority: Priority
    source: str  # path of its code
    test: str  # path of its test
    needs: tuple[str, ...] = ()  # parts of this plan, and of what was left out
    used_by: tuple[str, ...] = ()
    doubts: int = 0  # reasons for uncertainty and readings beyond the first


@dataclass(frozen=True, kw_only=True)
class Task:
    """Something to do; `needs` names tasks that come before it."""

    id: str  # "2.1.3": phase, group, place
    kind: TaskKind
    title: str
    file: str = ""  # what it writes
    passes: str = ""  # the test file that judges it, or the claim
    equations: tuple[str, ...] = ()
    needs: tuple[str, ...] = ()
    priority: Priority = "P0"
    minutes: int
    detail: str = ""

    @property
    def group(self) -> str:
        return self.id.rpartition(".")[0]

    @property
    def hours(self) -> float:
        return self.minutes / 60


@dataclass(frozen=True, kw_only=True)
class Group:
    """Tasks that belong together: a paper's tests, a level's modules."""

    number: str
    title: str
    commands: tuple[str, ...] = ()
    expected: str = ""
    checks: tuple[Check, ...] = ()


@dataclass(frozen=True, kw_only=True)
class Phase:
    """One of the eight; what an intent leaves out says why."""

    number: int
    title: str
    about: str
    left_out: str = ""
    groups: tuple[Group, ...] = ()
    commands: tuple[str, ...] = ()
    checks: tuple[Check, ...] = ()


@dataclass(frozen=True, kw_only=True)
class File:
    """A file of the project."""

    path: str
    kind: FileKind
    purpose: str = ""
    parts: tuple[str, ...] = ()


@dataclass(frozen=True, kw_only=True)
class Plan:
    """All of it. `render` makes the document, `read_plan` makes the plan of the document again."""

    project: str  # also the folder
    package: str  # the name that Python imports
    generated: str  # ISO date, empty where nobody stated one
    intent: IntentName
    environment: EnvironmentName
    components: tuple[str, ...] = ()  # what the intent `component` was asked for
    papers: tuple[Paper, ...]
    chain: tuple[tuple[str, ...], ...]  # papers by level
    cited: tuple[tuple[str, str], ...] = ()  # from a paper to one that stands on it
    parts: tuple[Part, ...]
    phases: tuple[Phase, ...]
    tasks: tuple[Task, ...]
    files: tuple[File, ...]
    checkpoints: tuple[Checkpoint, ...]
    risks: tuple[Risk, ...]
    contingencies: tuple[Contingency, ...]
    goals: tuple[Goal, ...]
    claims: tuple[Claim, ...] = ()
    configs: tuple[Config, ...] = ()  # the papers' own configs take the default's sizes
    findings: tuple[Finding, ...] = ()
    left_out: tuple[str, ...] = ()  # parts that the intent leaves out
    commit_message: str

    @cached_property
    def by_id(self) -> dict[str, Part]:
        return {part.id: part for part in self.parts}

    @cached_property
    def by_group(self) -> dict[str, list[Task]]:
        found: dict[str, list[Task]] = {}
        for task in self.tasks:
            found.setdefault(task.group, []).append(task)
        return found

    @cached_property
    def modules(self) -> dict[str, str]:
        """The name of the module that each task of the core writes."""
        core = ("foundation", "equation", "algorithm", "module")
        return {task.id: PurePosixPath(task.file).stem for task in self.tasks if task.kind in core}

    def of_kind(self, *kinds: PartKind) -> list[Part]:
        """The parts of these kinds, in order."""
        return [part for part in self.parts if part.kind in kinds]

    def minutes(self, phase: int | None = None) -> int:
        """Of a phase, or of all."""
        start = f"{phase}." if phase else ""
        return sum(task.minutes for task in self.tasks if task.id.startswith(start))
