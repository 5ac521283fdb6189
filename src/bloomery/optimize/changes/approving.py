"""Evidence about a patch, and decisions that are bound to both: by name, or by a threshold.

A decision holds for one patch with one evidence, each by its CID: new evidence asks for a new decision.
"""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Self

from bloomery.core.catalog import ApprovalRecord
from bloomery.core.catalog.audit import unbacked
from bloomery.core.errors import FormatRefused, UserError
from bloomery.core.evidence import Check, Evidence, State, gate
from bloomery.core.tokens import mask
from bloomery.optimize.changes.access import RECEIVED, check_branch
from bloomery.optimize.changes.ledger import Ledger
from bloomery.optimize.changes.patch import Patch, canonical, masked

AUTO = "auto"


@dataclass(frozen=True)
class Findings:
    """What was measured about one patch."""

    patch: str
    evidence: tuple[Evidence, ...]

    @property
    def objections(self) -> tuple[str, ...]:
        """Why this is not enough; nothing if every required check passed, and there is one."""
        required = [item for item in self.evidence if item.required]
        if not required:
            return ("nothing that is required was measured",)
        return tuple(
            f"{item.check}: {item.state} ({item.reason})" for item in required if item.state != State.PASSED
        )

    def encoded(self) -> bytes:
        plain = [item.to_plain() | {"inputs": list(item.inputs)} for item in self.evidence]
        return canonical({"patch": self.patch, "evidence": masked(plain)})

    @classmethod
    def decode(cls, data: bytes, patch: str) -> Self:
        """Raises: FormatRefused for evidence about another patch."""
        plain = json.loads(data)
        if not isinstance(plain, dict) or plain.get("patch") != patch:
            raise FormatRefused(f"this evidence is not about {patch}: validate the patch again")
        return cls(patch, tuple(Evidence.from_plain(item) for item in plain["evidence"]))


def attach(ledger: Ledger, prefix: str, evidence: Sequence[Evidence], *, by: str) -> str:
    """Keep what was measured about a patch and return its CID; earlier decisions count no more."""
    cid = ledger.find(prefix)
    findings = Findings(cid, tuple(evidence))
    digest = ledger.keep(findings.encoded(), "patch-evidence", "evidence about a patch", (cid,))
    ledger.records.set_evidence(cid, digest, passed=not findings.objections, actor=mask(by))
    ledger.seal()
    return digest


def findings(ledger: Ledger, cid: str) -> tuple[str, Findings]:
    """The CID of the newest evidence about a patch, and what it says. Raises: UserError if there is none."""
    digest = ledger.records.patch(cid).evidence
    if digest is None:
        raise UserError(
            f"{cid} was never validated: no evidence to decide on (bloomery patches verify makes some)"
        )
    return digest, Findings.decode(ledger.workspace.store.read(digest), cid)


def approve(
    ledger: Ledger, prefix: str, *, by: str, evidence: str | None = None, reason: str = ""
) -> ApprovalRecord:
    """A person approves a patch with its newest evidence; `evidence` says which one that person has seen.

    Raises: UserError for evidence that does not pass or is not the newest, and for an agent's name.
    """
    return _decide(ledger, prefix, by, evidence, reason, approved=True)


def reject(
    ledger: Ledger, prefix: str, *, by: str, evidence: str | None = None, reason: str = ""
) -> ApprovalRecord:
    """A person rejects a patch: only a person can approve it then. Raises: as `approve`."""
    return _decide(ledger, prefix, by, evidence, reason, approved=False)


def approve_automatically(
    ledger: Ledger, prefix: str, threshold: Sequence[Check], *, branch: str | None = None
) -> ApprovalRecord:
    """Approve a patch whose newest evidence meets every check of `threshold`.

    Raises: UserError that says which it does not meet; for a protected branch, for what was received from
    elsewhere, or after a person's no.
    """
    cid = ledger.find(prefix)
    if ledger.records.patch(cid).proposer == RECEIVED:
        raise UserError(f"{cid} came from elsewhere: a person has to approve it")
    branch = branch or _branch(ledger)
    if ledger.rules.protects(branch):
        raise UserError(f"branch {branch} is protected: a person has to approve {cid}")
    people = [one for one in ledger.records.decisions(cid) if one.kind == "person"]
    if people and people[-1].decision == "rejected":
        raise UserError(f"{people[-1].by} rejected {cid}: only a person can approve it now")
    if not any(check.required for check in threshold):
        raise UserError("a threshold without a required check would approve anything")
    digest, found = findings(ledger, cid)
    objections = (*found.objections, *gate(found.evidence, threshold).reasons)
    if objections:
        raise UserError(f"{cid} does not meet the threshold: {'; '.join(objections)}")
    reason = "; ".join(f"{check.name} {check.bar}" for check in threshold)
    record = ledger.records.add_decision(
        cid, evidence=digest, decision="approved", kind="auto", by=AUTO, reason=reason
    )
    ledger.seal()
    return record


def check_approved(ledger: Ledger, patch: Patch, branch: str) -> ApprovalRecord:
    """The decision by which a patch may be applied to a branch.

    Raises: UserError unless the newest evidence passes and the newest decision about it is a yes, by a person
    where the branch is protected.
    """
    check_branch(ledger.rules, patch.about.proposer, branch)
    digest, found = findings(ledger, patch.cid)
    if found.objections:
        raise UserError(f"{patch.cid} did not pass: {'; '.join(found.objections)}")
    decisions = ledger.records.decisions(patch.cid)
    about_this = [one for one in decisions if one.evidence == digest]
    if not about_this:
        other = " (a decision about other evidence does not count)" if decisions else ""
        raise UserError(f"{patch.cid} is not approved with its newest evidence{other}: approve it first")
    last = about_this[-1]
    if last.decision != "approved":
        raise UserError(f"{patch.cid} was rejected by {last.by}: {last.reason or 'no reason given'}")
    if last.kind == AUTO and ledger.rules.protects(branch):
        raise UserError(f"branch {branch} is protected: a person has to approve {patch.cid}")
    told = [entry for entry in ledger.records.audit() if entry.subject == patch.cid]
    if forged := unbacked(told, decisions):
        raise UserError(f"{forged[0]}: somebody wrote into the catalog; approve the patch again")
    return last


def _decide(
    ledger: Ledger, prefix: str, by: str, evidence: str | None, reason: str, *, approved: bool
) -> ApprovalRecord:
    patch = ledger.load(prefix)
    _check_person(ledger, patch, by)
    digest, found = findings(ledger, patch.cid)
    if evidence not in (None, digest):
        raise UserError(f"the newest evidence about {patch.cid} is {digest}, not {evidence}: read it")
    if approved and found.objections:
        raise UserError(f"{patch.cid} did not pass: {'; '.join(found.objections)}")
    record = ledger.records.add_decision(
        patch.cid,
        evidence=digest,
        decision="approved" if approved else "rejected",
        kind="person",
        by=mask(by.strip()),
        reason=mask(reason),
    )
    ledger.seal()
    return record


def _check_person(ledger: Ledger, patch: Patch, by: str) -> None:
    name = by.strip()
    if not name:
        raise UserError("who decides? a decision is made by name")
    if name in (AUTO, patch.about.proposer) or name in ledger.rules.agents:
        raise UserError(f"'{name}' is no person, or the proposer: who decides must be somebody else")


def _branch(ledger: Ledger) -> str:
    branch = ledger.repository.branch()
    if branch is None:
        raise UserError(f"{ledger.root} is on no branch (a detached HEAD): check one out first")
    return branch
