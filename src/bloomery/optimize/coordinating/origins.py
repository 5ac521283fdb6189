"""Which tasks a patch came of."""

from bloomery.core.catalog import TaskRecord
from bloomery.core.errors import UnknownName
from bloomery.optimize.changes import Ledger, Patch
from bloomery.optimize.coordinating.asking import task_of
from bloomery.optimize.task import OptimizationTask


def task_named(ledger: Ledger, name: str) -> TaskRecord | None:
    """None for one that was cleared from the queue."""
    try:
        return ledger.workspace.catalog.queue.task(name)
    except UnknownName:
        return None


def sole_task(ledger: Ledger, cid: str) -> TaskRecord | None:
    """The task that a patch came of, unless there are several, or it is forgotten: nothing can be redone."""
    names = {offer.task for offer in ledger.workspace.catalog.conflicts.offers(cid=cid)}
    return task_named(ledger, names.pop()) if len(names) == 1 else None


def tasks_of(ledger: Ledger, patch: Patch) -> list[OptimizationTask]:
    """The tasks that a patch, or what it was merged from, came of."""
    cids, level = {patch.cid}, [patch]
    while level:
        parts = [str(cid) for one in level for cid in one.about.facts.get("merged", ())]
        level = [ledger.load(cid) for cid in parts if cid not in cids]
        cids |= set(parts)
    offers = ledger.workspace.catalog.conflicts.offers(root=ledger.root)
    names = dict.fromkeys(offer.task for offer in offers if offer.cid in cids)
    records = [task for name in names if (task := task_named(ledger, name))]
    return [task_of(record, ledger.repository.root) for record in records]
