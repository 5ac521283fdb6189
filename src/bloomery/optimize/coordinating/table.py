"""What arbitration works with: the tree that everybody has, patches as sides on it, decisions about them."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from bloomery.core.catalog.conflicts import OfferState
from bloomery.core.errors import UserError
from bloomery.core.evidence import Evidence
from bloomery.core.log import get_log
from bloomery.core.tokens import mask
from bloomery.optimize.changes import Ledger, Patch, attach, findings
from bloomery.optimize.coordinating.asking import now
from bloomery.optimize.coordinating.jobs import Validate
from bloomery.optimize.coordinating.merging import Texts
from bloomery.optimize.coordinating.origins import tasks_of
from bloomery.optimize.coordinating.trees import effect

WHO = "coordination"
_STANDING = ("validated", "approved", "applied")
Told = Callable[[str, str], None]  # an event and what it is about, for whoever watches
Known = dict[tuple[str, str], Texts]
_log = get_log("coordinating")


@dataclass(frozen=True)
class Side:
    """A patch with the texts that it leads to on the tree that everybody has."""

    patch: Patch
    texts: Texts


@dataclass(frozen=True)
class Table:
    """What arbitration works with; `texts`: what patches lead to, by tree and CID, worked out once."""

    ledger: Ledger
    tree: str
    validate: Validate
    say: Told
    texts: Known

    def side(self, patch: Patch) -> Side:
        """Raises: UserError where the patch does not merge with the tree."""
        key = self.tree, patch.cid
        if key not in self.texts:
            self.texts[key] = effect(self.ledger, [patch], self.tree)
        return Side(patch, self.texts[key])


def ready(table: Table, cid: str) -> list[Side]:
    """What is put up now, but for this patch: not what was rejected, or rolled back."""
    ledger = table.ledger
    offers = ledger.workspace.catalog.conflicts.offers("ready", root=ledger.root)
    sides = []
    for one in dict.fromkeys(offer.cid for offer in offers if offer.cid != cid):
        if ledger.records.patch(one).status not in _STANDING:
            continue
        patch = ledger.load(one)
        try:
            sides.append(table.side(patch))
        except UserError as error:
            decide(table, patch, "refused", f"the tree moved on since: {error}")
    return sides


def objections(table: Table, patch: Patch) -> str:
    """Why the patch may not be put up; its evidence is measured where there is none."""
    ledger = table.ledger
    if ledger.records.patch(patch.cid).evidence is None:
        tasks = tasks_of(ledger, patch)
        try:
            evidence: Sequence[Evidence] = table.validate(ledger, patch, tasks)
        except Exception as error:  # edge: whoever validates; that it could not is no pass
            _log.warning("a patch could not be validated", patch=patch.cid, why=str(error))
            return f"it could not be validated: {type(error).__name__}: {error}"
        if not evidence:
            return "nothing was measured"
        attach(ledger, patch.cid, evidence, by=WHO)
        table.say("validated", patch.cid)
    _, measured = findings(ledger, patch.cid)
    return "; ".join(measured.objections)


def decide(table: Table, patch: Patch, state: OfferState, reason: str, became: str | None = None) -> None:
    conflicts = table.ledger.workspace.catalog.conflicts
    conflicts.decide(patch.cid, state, now=now(), became=became, reason=mask(reason))
    table.say(state, patch.cid)
