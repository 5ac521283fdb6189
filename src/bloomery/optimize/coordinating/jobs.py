"""What an agent does with a task, and what decides about patches: by default what the optimizer does."""

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from pkgutil import resolve_name
from typing import Any, Protocol

from bloomery.core.catalog import TaskRecord
from bloomery.core.catalog.working import AgentState
from bloomery.core.errors import CapabilityMissing, UserError
from bloomery.core.evidence import Bar, Check, Evidence, not_run
from bloomery.core.workspace import Workspace
from bloomery.optimize.changes import Ledger, Patch, Rules
from bloomery.optimize.changes.access import MODELS, check_network, check_paths
from bloomery.optimize.coordinating.trees import effect, head
from bloomery.optimize.proposal import Proposal
from bloomery.optimize.proposers import PROPOSERS
from bloomery.optimize.task import OptimizationTask
from bloomery.optimize.validating.verdict import Verdict

FILES = Check(name="coordination.files", bar=Bar(op="==", value=0), unit="files", meaning="files removed")
OPTIMIZE = "bloomery.optimize.optimizing:optimize"
VALIDATE = "bloomery.optimize.validating:validate"


@dataclass(frozen=True)
class Outcome:
    """What came of a task: patches by their CIDs, and facts of plain values. Done twice, it is the same."""

    patches: tuple[str, ...]
    facts: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Job:
    """Who works on what. `say` tells what the agent is at; `on` is a patch that lies in the folder already,
    committed there, because what was made without it was in conflict with it."""

    record: TaskRecord
    agent: str
    workspace: Workspace
    rules: Rules
    say: Callable[[AgentState], None]
    on: str | None = None


class Work(Protocol):
    """Does a task in a worktree of its own and proposes what came of it; changes nothing anywhere else.

    The task's root is the folder. It may be killed at any moment and is then done anew. A UserError says
    that no attempt can succeed, any other error that another one may.
    """

    def __call__(self, task: OptimizationTask, folder: Path, job: Job) -> Outcome: ...


class Validate(Protocol):
    """Measures a patch that may be put up for approval; `tasks` are those that it came of."""

    def __call__(
        self, ledger: Ledger, patch: Patch, tasks: Sequence[OptimizationTask]
    ) -> Sequence[Evidence]: ...


def optimizing(task: OptimizationTask, folder: Path, job: Job) -> Outcome:
    """The optimizer's work: what `optimize` kept."""
    optimize = _door(OPTIMIZE)
    if not may_ask(job.rules, job.agent):
        names = task.proposers or tuple(PROPOSERS)
        task = replace(task, proposers=tuple(name for name in names if name != MODELS))

    def told(step: str, done: int, total: int, text: str) -> None:
        job.say("validating" if step == "judging" else "working")

    report = optimize(job.workspace, task, method=job.record.method, progress=told, rules=job.rules)
    patches = tuple(one.patch for one in report.kept if one.patch)
    return Outcome(patches, {"report": json.loads(json.dumps(asdict(report), default=str))})


def validating(ledger: Ledger, patch: Patch, tasks: Sequence[OptimizationTask]) -> Sequence[Evidence]:
    """The validator's evidence, once for each goal that the patch has to serve."""
    validate = _door(VALIDATE)
    texts = effect(ledger, [patch], head(ledger))
    kept = {path: text for path, text in texts.items() if text is not None}
    if len(kept) < len(texts):
        return [not_run(FILES, "it removes a file, which the validator does not judge")]
    proposal = Proposal("coordination", patch.about.operator, patch.about.description, kept)
    found: dict[str, Evidence] = {}
    for task in {task.goal: task for task in tasks}.values():
        verdict: Verdict = validate(
            Path(ledger.root), proposal, goal=task.goal, level=task.level, tests=_tests(tasks), seed=task.seed
        )
        found |= {f"{one.check} {task.goal}": one for one in verdict.evidence}
    return tuple(found.values())


def _tests(tasks: Sequence[OptimizationTask]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(test for task in tasks for test in task.tests))


def _door(name: str) -> Any:
    """Raises: CapabilityMissing."""
    try:
        return resolve_name(name)
    except (ImportError, AttributeError) as error:
        raise CapabilityMissing(f"{name} cannot be used: {error}; pip install 'bloomery[optimize]'") from None


def may_ask(rules: Rules, agent: str) -> bool:
    """Whether an agent may ask language models elsewhere: by its own rules, else where models may propose."""
    return rules.of(agent).network or (agent not in rules.agents and rules.of(MODELS).network)


def check_may_use(rules: Rules, agent: str, patches: Sequence[Patch]) -> dict[str, str]:
    """Why the agent's rules do not allow a patch, by its CID."""
    against = {}
    for patch in patches:
        try:
            check_paths(rules, agent, patch.paths)
            if patch.about.network and not may_ask(rules, agent):
                check_network(rules, agent)
        except UserError as error:
            against[patch.cid] = str(error)
    return against
