"""Putting patches up as draft pull requests; as files where GitHub cannot be had, to be sent next time.

Each step is written down when it is done and looks first whether it was done, so that whatever cuts this
short (a limit, the network, a kill) it goes on where it was, and makes nothing twice.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from bloomery.core.errors import BloomeryError, UserError
from bloomery.core.log import get_log
from bloomery.core.tokens import mask
from bloomery.optimize.changes import Ledger, Patch, findings
from bloomery.optimize.changes.access import check_patch
from bloomery.optimize.changes.sharing import export
from bloomery.optimize.github import calls, issues, pushing, texts
from bloomery.optimize.github.connection import Connection
from bloomery.optimize.github.errors import Forbidden, LimitReached, TokenExpired, TokenMissing, Unreachable
from bloomery.optimize.github.outbox import Outbox, Publication

ENDS_ALL = (LimitReached, Unreachable, TokenExpired, TokenMissing, Forbidden)  # and no other patch is tried
_log = get_log("github")


@dataclass(frozen=True, kw_only=True)
class Wanted:
    """How patches are to be put up. `base`: the branch that they are for, the default one unless it is named;
    `issue`: one that they are for; `open_issue`: open one for each; `words`: what was asked for, to be
    quoted; `files`: the folder of the fallback."""

    base: str | None = None
    issue: int | None = None
    open_issue: bool = False
    words: str = ""
    files: Path


@dataclass(frozen=True)
class Published:
    """What became of the publications, and what kept the others from being sent."""

    publications: tuple[Publication, ...]
    problem: BloomeryError | None = None

    @property
    def waiting(self) -> tuple[Publication, ...]:
        return tuple(one for one in self.publications if one.stage == "waiting")


def publishable(ledger: Ledger) -> list[str]:
    """The patches that passed validation and that nobody rejected, applied or rolled back."""
    return [one.cid for one in ledger.records.patches() if one.status in ("validated", "approved")]


def publish(
    ledger: Ledger, github: Connection | None, outbox: Outbox, patches: Sequence[str], wanted: Wanted
) -> Published:
    """Put up these patches and whatever waits from earlier; without a connection, write all of it to files.

    Raises: UserError for a patch that did not pass, or that a person rejected; WorkspaceBusy.
    """
    chosen = [ledger.find(prefix) for prefix in patches]
    for cid in chosen:
        check_may_publish(ledger, cid)
    with outbox.sending():
        for cid in chosen:
            opens = wanted.open_issue and wanted.issue is None
            asked = Publication(patch=cid, base=wanted.base, issue=wanted.issue, wants_issue=opens)
            outbox.add(replace(asked, words=mask(wanted.words)))
        return _send_all(ledger, github, outbox, wanted.files)


def check_may_publish(ledger: Ledger, cid: str) -> None:
    """Raises: UserError."""
    if objections := findings(ledger, cid)[1].objections:
        raise UserError(f"{cid} did not pass, so it is not put up: {'; '.join(objections)}")
    people = [one for one in ledger.records.decisions(cid) if one.kind == "person"]
    if people and people[-1].decision == "rejected":
        raise UserError(f"{people[-1].by} rejected {cid}: it is not put up")


def _send_all(ledger: Ledger, github: Connection | None, outbox: Outbox, files: Path) -> Published:
    problem: BloomeryError | None = None
    told: list[Publication] = []
    for one in outbox.all():
        if github is not None and problem is None and not one.is_over:
            try:
                one = _sent(ledger, github, outbox, one)
            except BloomeryError as error:
                one = outbox.keep(outbox.add(one), why=str(error))  # as it was written down last
                problem = error if isinstance(error, ENDS_ALL) else None
        if one.stage == "waiting":
            one = _fallen_back(ledger, outbox, one, files, str(problem or "GitHub was not asked"))
        told.append(one)
    return Published(tuple(told), problem)


def _sent(ledger: Ledger, github: Connection, outbox: Outbox, one: Publication) -> Publication:
    """Take a publication as far as it goes, and see what is there then."""
    if one.pull is None:
        one = _put_up(ledger, github, outbox, one)
    assert one.pull is not None
    stage = calls.stage_of(github, one.pull)
    if stage == one.stage:
        return one
    ledger.records.note("github", stage, one.patch, {"pull": one.pull, "repository": github.repository})
    ledger.seal()
    return outbox.keep(one, stage=stage, why="", files=())


def _put_up(ledger: Ledger, github: Connection, outbox: Outbox, one: Publication) -> Publication:
    check_may_publish(ledger, one.patch)
    patch = ledger.load(one.patch)
    base = one.base or calls.default_branch(github)
    check_patch(ledger.rules, patch.about.proposer, patch.paths, network=patch.about.network, branch=base)
    if one.wants_issue and one.issue is None:
        one = _open_issue(ledger, github, outbox, one, patch)
    is_new = False
    if one.commit is None:
        commit, is_new = pushing.push(github, ledger, patch, texts.commit_message(patch))
        one = outbox.keep(one, base=base, commit=commit)
    body = texts.pull_body(
        ledger, patch, target=base, issue=one.issue, commit=one.commit or "", words=one.words
    )
    branch, title = pushing.branch_of(patch.cid), texts.title_of(patch)
    made = calls.ensure_pull(github, branch, base, title, body, again=not is_new)
    return outbox.keep(one, pull=made.number, url=made.url)


def _open_issue(
    ledger: Ledger, github: Connection, outbox: Outbox, one: Publication, patch: Patch
) -> Publication:
    tried, mark = one.opening, str(texts.Mark(patch.cid))
    one = outbox.keep(one, opening=True)
    title, body = texts.title_of(patch), texts.issue_body(ledger, patch, one.words)
    return outbox.keep(one, issue=issues.ensure_issue(github, title, body, mark, again=tried).number)


def _fallen_back(ledger: Ledger, outbox: Outbox, one: Publication, folder: Path, why: str) -> Publication:
    """The patch as files: a diff to be read or given to `git apply`, and one to be imported."""
    folder.mkdir(parents=True, exist_ok=True)
    files = [export(ledger, one.patch, folder / f"{one.patch}{suffix}") for suffix in (".patch", ".json")]
    _log.info("a patch waits as a file", patch=one.patch, why=one.why or why)
    return outbox.keep(one, why=one.why or why, files=tuple(str(file) for file in files))
