"""What only a person can decide: both sides shown on one page, and the decision."""

from collections.abc import Sequence

from bloomery.core.catalog import ConflictRecord
from bloomery.core.catalog.conflicts import OfferState
from bloomery.core.errors import UnknownName, UserError
from bloomery.core.tokens import mask
from bloomery.optimize.changes import Ledger, Patch, findings
from bloomery.optimize.changes.approving import AUTO
from bloomery.optimize.coordinating.asking import now
from bloomery.optimize.coordinating.merging import Clash, regions

CHOICES = ("one", "other", "neither", "merged")
LEAST_PREFIX = 4


def page(
    ledger: Ledger, one: Patch, other: Patch, where: Sequence[str], reason: str, clashes: Sequence[Clash]
) -> str:
    """The CID of a text that shows both sides, and where they are in each other's way."""
    parts = [f"Two patches overlap, and {reason}.", "", *(f"  {line}" for line in where), ""]
    for name, patch in (("one", one), ("other", other)):
        parts += [f"{'=' * 30} {name}: {patch.cid}", *_said(ledger, patch), "", patch.content.diff, ""]
    for clash in clashes:
        parts += [f"{'=' * 30} {clash.path}", *regions(clash.shown), ""]
    data = mask("\n".join(parts)).encode()
    return ledger.keep(data, "conflict", "two patches that overlap", (one.cid, other.cid))


def _said(ledger: Ledger, patch: Patch) -> list[str]:
    about = patch.about
    lines = [f"by {about.proposer}, for {about.goal or 'no goal that it names'}: {about.description}"]
    if ledger.records.patch(patch.cid).evidence is None:
        return [*lines, "never validated"]
    _, measured = findings(ledger, patch.cid)
    return [*lines, *(f"{one.check}: {one.state}, {one.measured} {one.unit} (bar {one.bar})"
                      for one in measured.evidence)]  # fmt: skip


def find(ledger: Ledger, prefix: str) -> ConflictRecord:
    """The one conflict whose name begins so. Raises: UnknownName; UserError for several."""
    known = ledger.workspace.catalog.conflicts.all(root=ledger.root)
    found = [one for one in known if one.name.startswith(prefix)] if len(prefix) >= LEAST_PREFIX else []
    if len(found) > 1:
        raise UserError(f"'{prefix}' begins {len(found)} conflicts; give more of it")
    if not found:
        raise UnknownName("conflict", prefix, [one.name for one in known])
    return found[0]


def show(ledger: Ledger, conflict: ConflictRecord) -> str:
    """The page with both sides. Raises: UserError for a conflict that nobody had to see."""
    if conflict.shown is None:
        raise UserError(f"conflict {conflict.name} was settled without a person: see patch {conflict.merged}")
    return ledger.workspace.store.read(conflict.shown).decode()


def resolve(
    ledger: Ledger, prefix: str, choice: str, *, by: str, patch: str | None = None, reason: str = ""
) -> ConflictRecord:
    """A person decides: for one side, for the other, for neither, or for a `patch` that takes their place.

    The first of the two was ready all the time; the other one is offered again. To approve is a decision of
    its own.
    Raises: UserError for a conflict that is not open, no name, a patch that did not pass; UnknownName.
    """
    conflict = find(ledger, prefix)
    if choice not in CHOICES:
        raise UnknownName("choice", choice, CHOICES)
    if not by.strip() or by.strip() == AUTO or by.strip() in ledger.rules.agents:
        raise UserError("who decides? a conflict is resolved by a person, by name")
    if conflict.state != "open":
        raise UserError(f"conflict {conflict.name} is {conflict.state} already: nothing to decide")
    if (choice == "merged") != (patch is not None):
        raise UserError("name the patch that takes the place of both, with the choice 'merged' and no other")
    merged = _passed(ledger, patch) if patch else None
    gone: OfferState = "merged" if merged else "withdrawn"
    fates: dict[str, OfferState] = {conflict.one: gone, conflict.other: gone}
    if choice == "one":
        del fates[conflict.one]  # it is where it was: ready, or part of another by now
    elif choice == "other":
        fates[conflict.other] = "offered"  # and is held against all that is ready
    return ledger.workspace.catalog.conflicts.record(
        conflict.root, conflict.one, conflict.other, overlaps=conflict.overlaps, state="decided",
        by=mask(by.strip()), now=now(), fates=fates, merged=merged, decision=choice, reason=mask(reason),
    )  # fmt: skip


def _passed(ledger: Ledger, prefix: str) -> str:
    cid = ledger.find(prefix)
    _, measured = findings(ledger, cid)
    if measured.objections:
        raise UserError(f"{cid} did not pass: {'; '.join(measured.objections)}")
    return cid
