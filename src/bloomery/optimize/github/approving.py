"""Approval on GitHub: by a person who may write, of one commit, validated again before it is merged.

ask = Ask(pull=5, by="ada", kind="comment")
check(github, ledger, outbox, ask, validate)  # where nothing may be written: untrusted code runs here
merge(github, ledger, outbox, ask)            # where it may: merges what was checked, or nothing
"""

import re
from collections.abc import Callable
from dataclasses import asdict, dataclass, replace
from typing import Literal

from bloomery.core.errors import Failure, GateFailed, UserError
from bloomery.core.evidence import Evidence
from bloomery.core.log import get_log
from bloomery.optimize.changes import About, Ledger, approve, attach, findings
from bloomery.optimize.github import calls, issues, texts
from bloomery.optimize.github.calls import Pull
from bloomery.optimize.github.connection import Connection
from bloomery.optimize.github.outbox import Outbox
from bloomery.optimize.github.pulling import outcome, patch_of
from bloomery.optimize.github.pushing import PREFIX
from bloomery.optimize.proposal import Proposal
from bloomery.optimize.validating import Verdict

Validate = Callable[[Proposal, About], Verdict]  # what was said of it holds the goal, the level, the tests
_CLOSES = re.compile(r"^Closes #(\d+)\s*$", re.MULTILINE)
_log = get_log("github")


@dataclass(frozen=True, kw_only=True)
class Ask:
    """Somebody wants a pull request merged. `commit`: the one that was looked at, or its beginning."""

    pull: int
    by: str
    kind: Literal["review", "comment", "hand"]
    commit: str | None = None


@dataclass(frozen=True, kw_only=True)
class Judgement:
    """What validation said of a pull request's head, merged into a commit of its base."""

    pull: int
    patch: str
    head: str
    base: str
    tree: str
    evidence: str
    accepted: bool


def check_ask(github: Connection, ask: Ask) -> Pull:
    """The pull request, if this person may have it merged as it is.

    Raises: UserError that says what is in the way.
    """
    pull = calls.pull(github, ask.pull)
    if not pull.own or not pull.branch.startswith(PREFIX):
        raise UserError(f"#{pull.number} is not ours (a branch {PREFIX}... of the repository itself)")
    if not pull.merged and pull.state != "open":
        raise UserError(f"#{pull.number} is closed: reopen it first")
    if not calls.may_write(github, ask.by):
        raise UserError(f"{ask.by} may not write to {github.repository}, so that is no approval")
    mark = texts.Mark.find(pull.body)
    seen = ask.commit or (mark.commit if mark else None)
    if seen is None:
        raise UserError(f"which commit of #{pull.number} is approved? `/approve {pull.head[:12]}` says it")
    if len(seen) < 7 or not pull.head.startswith(seen):
        raise UserError(
            f"#{pull.number} is at {pull.head[:12]}, and {seen[:12]} was approved: look at it again, then "
            f"comment `/approve {pull.head[:12]}`"
        )
    return pull


def check(github: Connection, ledger: Ledger, outbox: Outbox, ask: Ask, validate: Validate) -> Judgement:
    """Validate what merging would make of the newest base, and keep the evidence.

    Raises: UserError for what may not be merged, whatever validation would say.
    """
    pull = check_ask(github, ask)
    if pull.merged:
        raise UserError(f"#{pull.number} is merged already")
    patch = patch_of(github, ledger, outbox, pull)
    made = outcome(github, ledger, pull, patch)
    verdict = validate(made.proposal, patch.about)
    digest = attach(ledger, patch.cid, _deciding(verdict, patch.about.goal), by="validation")
    judged = Judgement(
        pull=pull.number, patch=patch.cid, head=pull.head, base=made.base, tree=made.tree, evidence=digest,
        accepted=verdict.accepted if patch.about.goal else verdict.sound,
    )  # fmt: skip
    ledger.records.note("github", "judged", patch.cid, asdict(judged))
    ledger.seal()
    return judged


def merge(github: Connection, ledger: Ledger, outbox: Outbox, ask: Ask) -> Pull:
    """Merge what was checked: this head into this base, to this tree; close its issue; write it down.

    Raises: UserError if it was not checked as it is now; GateFailed if it did not pass; Failure if GitHub
    made something else of it.
    """
    pull = check_ask(github, ask)
    judged = _judged(ledger, pull)
    if pull.merged:
        return _finish(github, ledger, outbox, judged, pull, ask)
    newest = calls.branch_head(github, pull.base)
    if (judged.head, judged.base) != (pull.head, newest):
        raise UserError(f"#{pull.number} or {pull.base} has changed since it was checked: check it again")
    digest, found = findings(ledger, judged.patch)
    if not judged.accepted or digest != judged.evidence or found.objections:
        _refuse(github, pull, judged, found.objections or ("the goal was not reached",))
    approve(ledger, judged.patch, by=ask.by, evidence=digest, reason=f"{ask.kind} of #{pull.number}")
    calls.set_status(github, pull.head, "success", f"validated on {judged.base[:12]}; approved by {ask.by}")
    message = f"Bloomery-Patch: {judged.patch}\nApproved-by: {ask.by}\n"
    merged = calls.merge(github, pull, f"{_title(pull)} (#{pull.number})", message)
    return _finish(github, ledger, outbox, judged, merged, ask)


def _deciding(verdict: Verdict, goal: str) -> list[Evidence]:
    """The evidence; what has no goal need not reach one."""
    return [
        one if goal or one.check not in verdict.claims else replace(one, required=False)
        for one in verdict.evidence
    ]


def _judged(ledger: Ledger, pull: Pull) -> Judgement:
    """The newest judgement of its head."""
    for entry in reversed(ledger.records.audit()):
        if entry.event == "judged" and (entry.body["pull"], entry.body["head"]) == (pull.number, pull.head):
            return Judgement(**entry.body)
    raise UserError(f"#{pull.number} was not checked at {pull.head[:12]}: `bloomery github check` does it")


def _refuse(github: Connection, pull: Pull, judged: Judgement, objections: tuple[str, ...]) -> None:
    said = "; ".join(objections)
    calls.set_status(github, pull.head, "failure", said)
    lines = "\n".join(f"- {texts.code(one)}" for one in objections)
    body = f"It was validated again on `{judged.base[:12]}`, and is not merged:\n\n{lines}"
    issues.ensure_comment(github, pull.number, body, f"<!-- bloomery judged={judged.evidence} -->")
    raise GateFailed(f"#{pull.number} did not pass on {judged.base[:12]}: {said}")


def _finish(
    github: Connection, ledger: Ledger, outbox: Outbox, judged: Judgement, pull: Pull, ask: Ask
) -> Pull:
    """Look at what was merged; close the issue; bring the figures up to date, once."""
    made = calls.tree_of(github, pull.merge_commit or "")
    if made != judged.tree:
        raise Failure(
            f"#{pull.number} became the tree {made[:12]}, and {judged.tree[:12]} was validated ({pull.base} "
            f"moved in between): validate {pull.base}, or `bloomery github revert {pull.number}`"
        )
    closes = _CLOSES.findall(pull.body.rpartition("### Approving and undoing")[2])
    for issue in map(int, closes[-1:]):
        issues.close_issue(github, issue)
    body = {"pull": pull.number, "commit": pull.merge_commit, "kind": ask.kind, "issues": closes[-1:]}
    if not any(entry.event == "merged" and entry.body == body for entry in ledger.records.audit()):
        ledger.records.note(ask.by, "merged", judged.patch, body)
        ledger.seal()
    if (sent := outbox.of_pull(pull.number)) is not None:
        outbox.keep(sent, stage="merged", why="", files=())
    _log.info("a pull request was merged", pull=pull.number, patch=judged.patch)
    return pull


def _title(pull: Pull) -> str:
    """Without what GitHub would act on: somebody may have edited it."""
    return re.sub(r"[#@]|https?://", "", pull.title)[:100]
