"""A patch judged again: on the tree that it was made on, in a worktree of its own."""

from collections.abc import Sequence
from typing import Any

from bloomery.core.evidence import Evidence
from bloomery.optimize.bench import Validate
from bloomery.optimize.changes import Ledger, attach
from bloomery.optimize.changes.patch import Patch
from bloomery.optimize.changes.proposing import result_tree
from bloomery.optimize.changes.worktree import worktree
from bloomery.optimize.optimizing import usual_validation
from bloomery.optimize.proposal import Goal, Proposal
from bloomery.optimize.putting_up import WHO
from bloomery.optimize.validating.verdict import Level


def verify(
    ledger: Ledger, prefix: str, *, level: Level, goal: Goal | None = None, validate: Validate | None = None
) -> tuple[Evidence, ...]:
    """What is measured of a patch now, kept as its newest evidence: it asks for a new decision.

    `goal` takes the place of the patch's own. One that came from elsewhere has none under which it may change
    what the code does: who received it says here that it is a fix.
    Raises: UserError where its base is not in the repository.
    """
    decide = validate or usual_validation(ledger.workspace)
    patch = ledger.load(prefix)
    tests = tuple(patch.about.facts.get("tests", ()))
    wanted: Any = goal or patch.about.goal
    with worktree(ledger, "verify", commit=patch.about.commit or "HEAD") as root:
        verdict = decide(root, _proposal(ledger, patch), goal=wanted, level=level, tests=tests)
    attach(ledger, patch.cid, verdict.evidence, by=WHO)
    return verdict.evidence


def _proposal(ledger: Ledger, patch: Patch) -> Proposal:
    tree = result_tree(ledger, patch)
    about = patch.about
    return Proposal(about.proposer, about.operator, about.description, _texts(ledger, tree, patch.paths))


def _texts(ledger: Ledger, tree: str, paths: Sequence[str]) -> dict[str, str]:
    entries = ledger.repository.listed(tree, paths)
    return {
        path: ledger.repository.git("cat-file", "blob", blob).decode() for path, (_, blob) in entries.items()
    }
