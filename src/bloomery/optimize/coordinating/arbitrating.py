"""What agents offer, one after another: put up alone, merged with what it overlaps, or shown to a person.

An offer that overlaps with one that is ready is merged with it three-way (by lines, then by statements), and
what comes out is validated again. Where that does not do, its task is done once more on top of the other one;
and where that does not do either, a person decides. What is ready is based on one tree, and no two patches
that are ready overlap. Killed in the middle, it goes on: each decision is one transaction.
"""

from collections.abc import Mapping, Sequence
from typing import Any

from bloomery.core.catalog import ConflictRecord, OfferRecord
from bloomery.core.catalog.conflicts import OfferState
from bloomery.core.errors import UserError
from bloomery.core.tokens import mask
from bloomery.optimize.changes import About, Ledger, Patch, propose
from bloomery.optimize.coordinating.asking import now
from bloomery.optimize.coordinating.escalating import page
from bloomery.optimize.coordinating.jobs import Validate
from bloomery.optimize.coordinating.merging import Clash, Texts, merged
from bloomery.optimize.coordinating.origins import sole_task, task_named
from bloomery.optimize.coordinating.overlapping import found, only_uses
from bloomery.optimize.coordinating.table import WHO, Known, Side, Table, Told, decide, objections, ready
from bloomery.optimize.coordinating.trees import effect, head, texts_at


def arbitrate(ledger: Ledger, validate: Validate, say: Told, known: Known | None = None) -> int:
    """Settle what was offered; how many offers were. Call it alone. `known` keeps texts between calls."""
    conflicts = ledger.workspace.catalog.conflicts
    waiting = conflicts.offers("offered", root=ledger.root)
    if not waiting and not conflicts.all("redoing", root=ledger.root):
        return 0
    table = Table(ledger, head(ledger), validate, say, {} if known is None else known)
    for offer in waiting:
        _settle(table, offer)
    redoing = conflicts.all("redoing", root=ledger.root)
    return len(waiting) + sum(_came_to_nothing(table, conflict) for conflict in redoing)


def _settle(table: Table, offer: OfferRecord) -> None:
    task = task_named(table.ledger, offer.task)
    patch = table.ledger.load(offer.cid)
    if task is not None and task.facts.get("instead") not in (None, offer.cid):
        _settle_redone(table, task.facts, patch)
        return
    try:
        side = table.side(patch)
    except UserError as error:
        decide(table, patch, "refused", f"the tree moved on since: {error}")
        return
    if against := objections(table, patch):
        decide(table, patch, "refused", against)
        return
    _place(table, side)


def _place(table: Table, side: Side) -> None:
    """Put a side up, merged with everything ready that it overlaps."""
    for other in ready(table, side.patch.cid):
        base = texts_at(table.ledger.repository, table.tree, {*side.texts, *other.texts})
        where = found(base, other.texts, side.texts)
        if not where:
            continue
        together = _together(table, base, other, side, stays_two=only_uses(where))
        if isinstance(together, str | tuple):
            _clash(table, other, side, where, base, together)
            return
        if together is not None:
            _record(table, other, side, where, together.patch)
            side = together
    decide(table, side.patch, "ready", "")


def _together(
    table: Table, base: Texts, one: Side, other: Side, *, stays_two: bool
) -> Side | str | tuple[Clash, ...] | None:
    """The side that does what both do; None if they pass together and need not be one patch; where they
    clash, or why what came out does not pass."""
    woven = merged(table.ledger.repository, base, one.texts, other.texts)
    if woven.clashes:
        return woven.clashes
    try:
        patch = _proposed(table, woven.texts, base, (one.patch, other.patch), woven.by_statements)
    except UserError as error:
        return f"merged, it may not be put up: {error}"
    if against := objections(table, patch):
        return f"merged, it does not pass: {against}"
    return None if stays_two else Side(patch, woven.texts)


def _proposed(
    table: Table, texts: Texts, base: Texts, of: Sequence[Patch], by_statements: Sequence[str] = ()
) -> Patch:
    changed = {path: text for path, text in texts.items() if text != base.get(path)}
    with_network = [patch.about.proposer for patch in of if patch.about.network]
    about = About(
        proposer=with_network[0] if with_network else WHO,  # by its rules the network may be used, or not
        goal=" and ".join(dict.fromkeys(patch.about.goal for patch in of if patch.about.goal)),
        operator="merge",
        description="; ".join(patch.about.description or patch.cid for patch in of),
        network=bool(with_network),
        facts={"merged": [patch.cid for patch in of], "by_statements": list(by_statements)},
    )
    return propose(table.ledger, about, texts=changed)


def _clash(
    table: Table, one: Side, other: Side, where: Sequence[str], base: Texts, why: str | tuple[Clash, ...]
) -> None:
    """Have the other side's task done again on top of the one side, or else ask a person."""
    reason = why if isinstance(why, str) else f"both change {', '.join(clash.path for clash in why)}"
    conflicts = table.ledger.workspace.catalog.conflicts
    task = sole_task(table.ledger, other.patch.cid)
    if task is not None and "on" not in task.facts:
        conflicts.record(
            table.ledger.root, one.patch.cid, other.patch.cid, overlaps=where, state="redoing", by=WHO,
            now=now(), fates={other.patch.cid: "redone"}, reason=mask(reason),
        )  # fmt: skip
        facts = {"on": one.patch.cid, "instead": other.patch.cid}
        table.ledger.workspace.catalog.queue.put_back(task.name, now=now(), facts=facts)
        table.say("redoing", other.patch.cid)
        return
    _escalate(table, one, other, where, base, why)


def _escalate(
    table: Table, one: Side, other: Side, where: Sequence[str], base: Texts, why: str | tuple[Clash, ...]
) -> None:
    reason = why if isinstance(why, str) else f"both change {', '.join(clash.path for clash in why)}"
    clashes = () if isinstance(why, str) else why
    shown = page(table.ledger, one.patch, other.patch, where, reason, clashes)
    table.ledger.workspace.catalog.conflicts.record(
        table.ledger.root, one.patch.cid, other.patch.cid, overlaps=where, state="open", by=WHO, now=now(),
        fates={other.patch.cid: "contested"}, shown=shown, reason=mask(reason),
    )  # fmt: skip
    table.say("escalated", other.patch.cid)


def _record(table: Table, one: Side, other: Side, where: Sequence[str], patch: Patch) -> None:
    fates: dict[str, OfferState] = {
        cid: "merged" for cid in (one.patch.cid, other.patch.cid) if cid != patch.cid
    }
    table.ledger.workspace.catalog.conflicts.record(
        table.ledger.root, one.patch.cid, other.patch.cid, overlaps=where, state="merged", by=WHO, now=now(),
        fates=fates, merged=patch.cid,
    )  # fmt: skip
    table.say("merged", patch.cid)


def _settle_redone(table: Table, facts: Mapping[str, Any], patch: Patch) -> None:
    """What was made on top of another patch, and that one, are one patch on the tree that everybody has."""
    ledger, conflicts = table.ledger, table.ledger.workspace.catalog.conflicts
    on, instead = ledger.load(facts["on"]), str(facts["instead"])
    try:
        side = table.side(on)
        texts = effect(ledger, [on, patch], table.tree)
        base = texts_at(ledger.repository, table.tree, {*side.texts, *texts})
        whole = _proposed(table, texts, base, (on, patch))
    except UserError as error:
        decide(table, patch, "refused", f"it does not go on the tree as it is: {error}")
        return
    known = [one for one in conflicts.all(root=ledger.root) if (one.one, one.other) == (on.cid, instead)]
    where = known[0].overlaps if known else ()
    if against := objections(table, patch) or objections(table, whole):
        decide(table, patch, "refused", against)
        _escalate(table, side, Side(ledger.load(instead), {}), where, base, f"made anew on top, {against}")
        return
    decide(table, patch, "merged", f"merged into {whole.cid}", became=whole.cid)
    conflicts.record(
        ledger.root, on.cid, instead, overlaps=where, state="merged", by=WHO, now=now(), merged=whole.cid,
        fates={on.cid: "merged", instead: "redone"}, reason="made anew on top of the other",
    )  # fmt: skip
    table.say("merged", whole.cid)
    _place(table, Side(whole, texts))


def _came_to_nothing(table: Table, conflict: ConflictRecord) -> bool:
    """Ask a person where the task that was to be done anew has ended, and nothing came of it."""
    ledger = table.ledger
    task = sole_task(ledger, conflict.other)
    offers = ledger.workspace.catalog.conflicts.offers("offered", root=ledger.root)
    if task and (task.state in ("waiting", "leased") or task.name in {offer.task for offer in offers}):
        return False
    one, other = (Side(ledger.load(cid), {}) for cid in (conflict.one, conflict.other))
    _escalate(table, one, other, conflict.overlaps, {}, f"{conflict.reason}; made anew, nothing came of it")
    return True
