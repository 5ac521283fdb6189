"""What the catalog answers: plain frozen values, no database objects."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Literal, Self

RunStatus = Literal["running", "done", "failed", "paused", "killed"]
StepStatus = Literal["running", "done", "failed", "rolled_back", "memoized"]
PatchStatus = Literal["proposed", "validated", "failed", "approved", "rejected", "applied", "rolled_back"]
Decision = Literal["approved", "rejected"]
ApprovedBy = Literal["person", "auto"]


@dataclass(frozen=True, kw_only=True)
class RunRecord:
    """One execution of a recipe. Times are UTC."""

    run_id: str
    recipe: str
    config: Mapping[str, Any]
    seed: int
    environment: Mapping[str, Any]
    status: RunStatus
    started_at: datetime
    finished_at: datetime | None


@dataclass(frozen=True, kw_only=True)
class StepRecord:
    """One step of a run; `outputs` maps names to CIDs. Times are UTC."""

    run_id: str
    name: str
    key: str
    status: StepStatus
    outputs: Mapping[str, str]
    started_at: datetime
    finished_at: datetime | None
    duration_s: float | None
    reason: str


@dataclass(frozen=True, kw_only=True)
class MetricRecord:
    """The value of a metric at one index (training step, generation, ...) of a run's step."""

    run_id: str
    step: str
    name: str
    index: int
    value: float


@dataclass(frozen=True, kw_only=True)
class ArtifactRecord:
    """An artifact, and the step of the run that made it first; no run if it was brought in from outside."""

    cid: str
    kind: str
    size_bytes: int
    run_id: str | None
    step: str | None
    name: str
    parents: tuple[str, ...]
    facts: Mapping[str, Any]
    created_at: datetime


@dataclass(frozen=True)
class Lineage:
    """An artifact with the trees of the artifacts that it was made from.

    An artifact that was met before on the way has its parents left out there.
    """

    artifact: ArtifactRecord
    parents: tuple[Self, ...] = field(default=())

    def ancestors(self) -> Iterator[ArtifactRecord]:
        """All artifacts that it was made from, nearest first, each once."""
        seen, level = {self.artifact.cid}, list(self.parents)
        while level:
            for tree in level:
                if tree.artifact.cid not in seen:
                    seen.add(tree.artifact.cid)
                    yield tree.artifact
            level = [parent for tree in level for parent in tree.parents]


@dataclass(frozen=True, kw_only=True)
class PatchRecord:
    """A patch; `about` and `evidence` are CIDs of what was said of it and of what was measured last."""

    cid: str
    about: str
    goal: str
    proposer: str
    description: str
    parents: tuple[str, ...]
    paths: tuple[str, ...]
    status: PatchStatus
    evidence: str | None
    created_at: datetime


@dataclass(frozen=True, kw_only=True)
class ApprovalRecord:
    """Somebody's decision about a patch with this very evidence; `seq` is its entry in the audit."""

    seq: int
    cid: str
    evidence: str
    decision: Decision
    kind: ApprovedBy
    by: str
    reason: str


@dataclass(frozen=True, kw_only=True)
class ApplicationRecord:
    """A patch in a working tree: each file's blob before and after (none: not there), oldest first.

    `change` names the act of applying it, `rolled_back` the one that undid it.
    """

    id: int
    change: str
    cid: str
    root: str
    branch: str
    files: Mapping[str, tuple[str | None, str | None]]
    applied_at: datetime
    rolled_back: str | None


@dataclass(frozen=True, kw_only=True)
class AuditRecord:
    """One entry of the audit; `hash` covers all the rest, `previous` is the former entry's hash."""

    seq: int
    at: str
    actor: str
    event: str
    subject: str
    body: Mapping[str, Any]
    previous: str
    hash: str
