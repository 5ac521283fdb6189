"""Who is asked for proposals: whom the task names, else all that are there; what they said, remembered."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from random import Random
from typing import Any

from bloomery.core.closure import code_version
from bloomery.core.errors import BloomeryError
from bloomery.core.workspace import Workspace
from bloomery.optimize.proposal import NOTHING, Known, Proposal, Proposer, Target
from bloomery.optimize.proposers import PROPOSERS, proposer
from bloomery.optimize.remembering import Memory, key_of, proposal_from_plain, proposal_to_plain
from bloomery.optimize.task import OptimizationTask

MODELS = "language models"
PARTS = ("rewrites", "substitutions")  # of the catalogue: alone they would say again what it says
KIND = "proposals"


def proposers_of(
    task: OptimizationTask, workspace: Workspace, own: Sequence[Proposer] = ()
) -> tuple[dict[str, Proposer], list[str]]:
    """The proposers by name, the user's own first, and what has to be said about who is not asked.

    Raises: UnknownName.
    """
    found = {one.name: one for one in own}
    notes = []
    for name in task.proposers or [*found, *(name for name in PROPOSERS if name not in PARTS)]:
        if name in found:
            continue
        if name == MODELS and (why := _no_models(workspace)):
            notes += [why] if task.proposers else ["no language model is configured: none was asked"]
        else:
            found[name] = _made(name, task, workspace)
    return {name: found[name] for name in task.proposers if name in found} or found, notes


def _no_models(workspace: Workspace) -> str:
    from bloomery.agents.opening import open_models

    return open_models(workspace).why_not


def _made(name: str, task: OptimizationTask, workspace: Workspace) -> Proposer:
    """A proposer that knows of the task what proposers are not told otherwise."""
    if name == "repair":
        from bloomery.optimize.proposers.repair import RepairSearch

        return RepairSearch(tests=task.tests)
    if name == "test generation":
        from bloomery.optimize.proposers.testing import TestWriter

        return TestWriter(tests=task.tests)
    if name == MODELS:
        from bloomery.agents.opening import open_models
        from bloomery.optimize.proposers.models import ModelProposer

        return ModelProposer(open_models(workspace).ask, wishes=task.description)
    return proposer(name)


@dataclass
class Streams:
    """What each proposer says of each file, in its order, continued wherever it was left.

    `notes`: why a proposer had nothing to say. What embedded proposers say is remembered under the tree, so
    that a run that was killed does not search again; language models' answers are kept by who asks them.
    """

    task: OptimizationTask
    proposers: Mapping[str, Proposer]
    memory: Memory
    tree: str
    notes: list[str] = field(default_factory=list)
    _begun: dict[tuple[str, str, str], Iterator[Proposal]] = field(default_factory=dict)

    def of(self, name: str, path: str, known: Known = NOTHING) -> Iterator[Proposal]:
        """`known` is told to language models and to the user's own proposers; no other can read it."""
        if name != MODELS and name in PROPOSERS:
            known = NOTHING
        key = name, path, key_of(known=asdict(known))
        if key not in self._begun:
            self._begun[key] = self._proposals(name, path, known)
        return self._begun[key]

    def _proposals(self, name: str, path: str, told: Known) -> Iterator[Proposal]:
        if name == MODELS:
            yield from self._asked(name, path, told)
            return
        key = self._key(name, path, told)
        known = self.memory.recall(KIND, key)
        if known is None:
            known = [proposal_to_plain(one) for one in self._asked(name, path, told)]
            self.memory.keep(KIND, key, known, name=f"proposals of {name} for {path}")
        yield from map(proposal_from_plain, known)

    def _asked(self, name: str, path: str, told: Known) -> Iterator[Proposal]:
        target = Target(self.task.root, path, known=told)
        rng = Random(f"{self.task.seed} {name} {path}")
        try:
            yield from self.proposers[name].propose(target, self.task.goal, rng=rng)
        except BloomeryError as error:  # one that has nothing to work with leaves the others their turn
            self.notes.append(f"{name}: {error}")

    def _key(self, name: str, path: str, told: Known) -> str:
        task = self.task
        asked: dict[str, Any] = {"path": path, "goal": task.goal, "seed": task.seed, "tests": task.tests}
        asked |= {"known": asdict(told)} if told != NOTHING else {}
        version = code_version(self.proposers[name].propose)
        return key_of(proposer=name, version=version, tree=self.tree, **asked)
