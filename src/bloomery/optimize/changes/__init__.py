"""Change control: patches as content, approved on evidence, applied whole or not at all, reversible.

    ledger = open_ledger(workspace, folder, rules)
    patch = propose(ledger, About(proposer="rewrites", goal="speed"), texts={"src/a.py": text})
    attach(ledger, patch.cid, evidence, by="validation")
    approve(ledger, patch.cid, by="Ada")              # or approve_automatically(ledger, cid, threshold)
    apply(ledger, patch.cid, by="Ada", validate=measure_tree)
    roll_back(ledger, patch.cid, by="Ada")

Sharing patches is in `sharing`, worktrees for agents in `worktree`.
"""

from bloomery.optimize.changes.access import Access, Rules
from bloomery.optimize.changes.applying import Applied, Plan, apply, plan_rollback, roll_back
from bloomery.optimize.changes.approving import approve, approve_automatically, attach, findings, reject
from bloomery.optimize.changes.ledger import Ledger, check
from bloomery.optimize.changes.opening import open_ledger
from bloomery.optimize.changes.patch import About, Patch
from bloomery.optimize.changes.proposing import propose
from bloomery.optimize.changes.repository import Repository

__all__ = [
    "About",
    "Access",
    "Applied",
    "Ledger",
    "Patch",
    "Plan",
    "Repository",
    "Rules",
    "apply",
    "approve",
    "approve_automatically",
    "attach",
    "check",
    "findings",
    "open_ledger",
    "plan_rollback",
    "propose",
    "reject",
    "roll_back",
]
