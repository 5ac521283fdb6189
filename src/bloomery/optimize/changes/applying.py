"""Applying an approved patch to the user's tree, and taking it back out."""

import tempfile
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from bloomery.core.catalog import ApplicationRecord
from bloomery.core.errors import GateFailed, UserError
from bloomery.core.evidence import Evidence
from bloomery.core.log import get_log
from bloomery.core.tokens import mask
from bloomery.optimize.changes.access import check_patch
from bloomery.optimize.changes.approving import Findings, check_approved
from bloomery.optimize.changes.journal import Placing
from bloomery.optimize.changes.ledger import Ledger
from bloomery.optimize.changes.making import check_adds_no_secret
from bloomery.optimize.changes.merging import Conflict, Merged, is_contained, merge
from bloomery.optimize.changes.patch import Patch
from bloomery.optimize.changes.placing import place, undo
from bloomery.optimize.changes.repository import Blob

Validate = Callable[[Path], Sequence[Evidence]]  # measures the tree at a path
_log = get_log("changes")


@dataclass(frozen=True)
class Applied:
    """A patch that is in the tree now. `merged`: its files had moved on since it was made."""

    cid: str
    change: str
    paths: tuple[str, ...]
    merged: bool


def apply(ledger: Ledger, prefix: str, *, by: str, validate: Validate | None = None) -> Applied:
    """Put an approved patch into the working tree and its index: all of it or, whatever happens, nothing.

    Where `validate` is given, it measures the tree with the patch in it; unless all that it requires passes,
    the patch is taken back out. A kill before that is over takes it out at the next start.
    Raises: UserError for a patch that is not approved with its evidence, a detached HEAD, a touched file with
    changes of its own, a base that does not merge, a parent that is missing; GateFailed after taking it out.
    """
    with ledger.changing(f"apply {prefix}"), tempfile.TemporaryDirectory() as scratch:
        patch = ledger.load(prefix)
        branch = _check_may_apply(ledger, patch, Path(scratch))
        merged = merge(ledger.repository, [patch], Path(scratch), known=_known(ledger))
        if merged.conflict:
            raise UserError(_told(merged.conflict))
        if not merged.changed:
            raise UserError(f"{patch.cid} changes nothing: what it does is in the tree already")
        change = ledger.new_change()
        placing = place(ledger.repository, merged, ledger.journals / change, change)
        if validate is not None:
            _keep_only_if_valid(ledger, placing, patch, validate, by)
        _record(ledger, patch, change, branch, merged, by)
        placing.forget()
    moved = any(_blob(entry.before) != patch.content.base.blobs[entry.path] for entry in merged.entries)
    return Applied(patch.cid, change, tuple(entry.path for entry in merged.changed), moved)


@dataclass(frozen=True)
class Step:
    """A patch that has to go, and why."""

    cid: str
    why: str


@dataclass(frozen=True)
class Plan:
    """What taking a patch out means: the steps in their order, and what does not merge."""

    steps: tuple[Step, ...]
    conflict: Conflict | None


def plan_rollback(ledger: Ledger, prefix: str) -> Plan:
    """How a patch can be taken back out: with all that builds on it, the last one first. Touches nothing.

    Raises: UserError if it is not applied on this branch.
    """
    with tempfile.TemporaryDirectory() as scratch:
        return _planned(ledger, ledger.find(prefix), Path(scratch))[0]


def roll_back(
    ledger: Ledger, prefix: str, *, by: str, dependents: bool = False, reason: str = ""
) -> tuple[str, ...]:
    """Take a patch back out of the tree by git, with `dependents` those that build on it, too; their CIDs.

    Raises: UserError, with nothing touched, that names the dependents, or what does not merge.
    """
    with ledger.changing(f"roll back {prefix}"), tempfile.TemporaryDirectory() as scratch:
        cid = ledger.find(prefix)
        plan, merged = _planned(ledger, cid, Path(scratch))
        if plan.conflict:
            raise UserError(f"{_told(plan.conflict)}; mend it by hand, or roll back what changed it since")
        others = [f"{step.cid} ({step.why})" for step in plan.steps if step.cid != cid]
        if others and not dependents:
            raise UserError(f"{cid} cannot go alone; first would go: {', '.join(others)}")
        gone = tuple(step.cid for step in plan.steps)
        change = ledger.new_change()
        placing = place(ledger.repository, merged, ledger.journals / change, change)
        acts = [one.change for one in reversed(_applied(ledger)) if one.cid in gone]
        ledger.records.roll_back(change, acts, files=_files(merged), reason=mask(reason), actor=mask(by))
        placing.forget()
    return gone


def _check_may_apply(ledger: Ledger, patch: Patch, scratch: Path) -> str:
    """The branch that it goes to. Raises: UserError."""
    branch = ledger.repository.branch()
    if branch is None:
        raise UserError(f"{ledger.root} is on no branch (a detached HEAD): check one out first")
    check_patch(ledger.rules, patch.about.proposer, patch.paths, network=patch.about.network)
    check_adds_no_secret(patch.content)
    check_approved(ledger, patch, branch)
    if patch.cid in {one.cid for one in _applied(ledger)} and is_contained(
        ledger.repository, patch, scratch / "own"
    ):
        raise UserError(f"{patch.cid} is applied already")
    for parent in patch.about.parents:
        if not is_contained(ledger.repository, ledger.load(parent), scratch / "parent"):
            raise UserError(f"{patch.cid} builds on {parent}, which is not in the tree: apply that one first")
    return branch


def _keep_only_if_valid(ledger: Ledger, placing: Placing, patch: Patch, validate: Validate, by: str) -> None:
    try:
        found = Findings(patch.cid, tuple(validate(ledger.repository.root)))
    except BaseException as error:
        undo(ledger.repository, placing)
        why = f"{type(error).__name__} while validating"
        ledger.records.note(mask(by), "taken_out", patch.cid, {"change": placing.id, "why": why})
        raise
    if found.objections:
        undo(ledger.repository, placing)
        digest = ledger.keep(found.encoded(), "patch-evidence", "evidence after applying", (patch.cid,))
        body = {"change": placing.id, "why": mask("; ".join(found.objections)), "evidence": digest}
        ledger.records.note(mask(by), "taken_out", patch.cid, body)
        ledger.seal()
        _log.warning("a patch was taken back out", patch=patch.cid, why=body["why"])
        raise GateFailed(f"{patch.cid} was applied and taken back out: {body['why']}")


def _record(ledger: Ledger, patch: Patch, change: str, branch: str, merged: Merged, by: str) -> None:
    ledger.records.add_application(
        change, patch.cid, root=ledger.root, branch=branch, files=_files(merged), actor=mask(by)
    )


def _planned(ledger: Ledger, cid: str, scratch: Path) -> tuple[Plan, Merged]:
    applied = [one.cid for one in _applied(ledger)]
    if cid not in applied:
        raise UserError(f"{cid} is not applied on the branch that is checked out: nothing to take out")
    order = list(dict.fromkeys(reversed(applied)))
    patches = {one: ledger.load(one) for one in order}
    going = {cid: "it was asked for"} | _descendants(patches, cid)
    while True:
        steps = [one for one in order if one in going]
        chosen = [patches[one] for one in steps]
        merged = merge(ledger.repository, chosen, scratch, reverse=True, known=_known(ledger))
        later = _later_in_the_way(order, patches, going, merged.conflict)
        if not later:
            return Plan(tuple(Step(one, going[one]) for one in steps), merged.conflict), merged
        for one in later:
            going |= {one: "it changed the same lines later"} | _descendants(patches, one) | going


def _descendants(patches: dict[str, Patch], cid: str) -> dict[str, str]:
    found: dict[str, str] = {}
    level = {cid}
    while level:
        level = {one for one, patch in patches.items() if level & set(patch.about.parents)} - set(found)
        found |= dict.fromkeys(level, f"it builds on {cid}")
    return found


def _later_in_the_way(
    order: list[str], patches: dict[str, Patch], going: dict[str, str], conflict: Conflict | None
) -> list[str]:
    """Patches applied after the one that conflicts, in the same files, that were not to go yet."""
    if conflict is None:
        return []
    after = order[: order.index(conflict.cid)]
    return [one for one in after if one not in going and set(patches[one].paths) & set(conflict.paths)]


def _applied(ledger: Ledger) -> list[ApplicationRecord]:
    """What is applied in this tree on this branch; on a detached HEAD, on any."""
    branch = ledger.repository.branch()
    found = ledger.records.applications(ledger.root)
    return [one for one in found if branch in (None, one.branch)]


def _known(ledger: Ledger) -> Callable[[str], set[str]]:
    """The blobs that our changes found or left in a file."""
    blobs: dict[str, set[str]] = {}
    for entry in ledger.records.audit():
        if entry.body.get("root") == ledger.root:
            for path, pair in entry.body.get("files", {}).items():
                blobs.setdefault(path, set()).update(blob or "" for blob in pair)
    return lambda path: blobs.get(path, set())


def _files(merged: Merged) -> dict[str, tuple[str | None, str | None]]:
    return {entry.path: (_blob(entry.before), _blob(entry.after)) for entry in merged.changed}


def _blob(entry: Blob | None) -> str | None:
    return entry[1] if entry else None


def _told(conflict: Conflict) -> str:
    return f"{conflict.cid} does not merge with what is in {', '.join(conflict.paths)} now: {conflict.why}"
