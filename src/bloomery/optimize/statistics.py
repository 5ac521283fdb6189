"""What agents have done so far, in figures: each from what was recorded, and unknown where nothing was.

All comes of what the catalog holds anyway: tasks, offers, conflicts, patches with their evidence, decisions,
calls of models, the audit. What only the part that measures it knows, it notes by `catalog.events.note`:
`security_found` and `weakness_found`, with how many.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from statistics import median
from typing import Any

from bloomery.core.catalog import AuditRecord, EventRecord, PatchRecord
from bloomery.core.errors import BloomeryError
from bloomery.core.evidence import Evidence, State
from bloomery.core.workspace import Workspace
from bloomery.optimize.changes.approving import Findings


@dataclass(frozen=True, kw_only=True)
class Figure:
    """`value` is None where it is not known, and `note` says why then; `of`: how many things it is about."""

    group: str
    name: str
    value: float | None
    unit: str = ""
    of: int | None = None
    note: str = ""

    @property
    def state(self) -> str:
        return "measured" if self.value is not None else "not_run"


def statistics(workspace: Workspace, *, since: datetime | None = None) -> tuple[Figure, ...]:
    """The figures of a workspace, of what began since then."""
    catalog = workspace.catalog
    audit = [entry for entry in catalog.changes.audit() if since is None or entry.at >= since.isoformat()]
    patches = [one for one in catalog.changes.patches() if since is None or one.created_at >= since]
    events = catalog.events.all(since=since)
    return (
        *_tasks(workspace, since),
        *_offers(workspace, since),
        *_conflicts(workspace, since),
        *_approval(audit, patches),
        *_models(workspace, since),
        *_github(audit),
        *_gains(workspace, patches),
        *_findings(events),
        *_undone(audit),
    )


def _tasks(workspace: Workspace, since: datetime | None) -> Iterator[Figure]:
    tasks = [one for one in workspace.catalog.queue.tasks() if since is None or one.added_at >= since]
    done = [one for one in tasks if one.state == "done"]
    ended = [one for one in tasks if one.state in ("done", "failed")]
    put_up = {offer.task for offer in workspace.catalog.conflicts.offers("ready")}
    yield _share("agents", "tasks done", len(done), len(ended), "no task has ended")
    with_patch = len([one for one in ended if one.name in put_up])
    yield _share("agents", "tasks with a patch put up", with_patch, len(ended), "no task has ended")
    yield _count(
        "agents", "tasks that wait or are worked on", len(tasks) - len(ended), tasks, "no task was queued"
    )
    agents = workspace.catalog.agents.all()
    yield _count(
        "agents",
        "agents that died at a task",
        sum(one.lost for one in agents),
        agents,
        "no agent was at work",
    )


def _offers(workspace: Workspace, since: datetime | None) -> Iterator[Figure]:
    offers = [one for one in workspace.catalog.conflicts.offers() if since is None or one.offered_at >= since]
    judged = {one.cid: one.state for one in offers if one.state != "offered"}
    passed = [cid for cid, state in judged.items() if state != "refused"]
    yield _share("validation", "offers that pass", len(passed), len(judged), "nothing was offered")


def _conflicts(workspace: Workspace, since: datetime | None) -> Iterator[Figure]:
    found = [one for one in workspace.catalog.conflicts.all() if since is None or one.found_at >= since]
    settled = [one for one in found if one.state != "redoing"]
    alone = [one for one in settled if one.state == "merged"]
    why = "no conflict was found"
    yield _share("conflicts", "resolved without a person", len(alone), len(settled), why)
    waiting = len([one for one in found if one.state == "open"])
    yield _count("conflicts", "that wait for a person", waiting, found, why)


def _approval(audit: Sequence[AuditRecord], patches: Sequence[PatchRecord]) -> Iterator[Figure]:
    proposed: dict[str, datetime] = {}
    hours, decided = [], {"approved": 0, "rejected": 0}
    for entry in audit:
        at = datetime.fromisoformat(entry.at)
        if entry.event in ("proposed", "received"):
            proposed.setdefault(entry.subject, at)
        elif entry.event in decided:
            decided[entry.event] += 1
            if entry.event == "approved" and entry.subject in proposed:
                hours.append((at - proposed.pop(entry.subject)).total_seconds() / 3600)
    tested = [one for one in patches if one.evidence is not None]
    failed = [one for one in tested if one.status == "failed"]
    yield _share(
        "validation", "patches that pass", len(tested) - len(failed), len(tested), "no patch was validated"
    )
    yield _share(
        "approval", "approved", decided["approved"], sum(decided.values()), "nobody has decided about a patch"
    )
    yield _middle("approval", "time to approval", hours, "h", "no patch was approved")


def _models(workspace: Workspace, since: datetime | None) -> Iterator[Figure]:
    calls = workspace.catalog.calls.all(since=since)
    cached = [one for one in calls if one.state == "cached"]
    why = "no language model was asked"
    yield _count("API use", "calls of language models", len(calls) - len(cached), calls, why)
    yield _share("API use", "answers of models from the cache", len(cached), len(calls), why)
    yield _count("API use", "tokens", sum(one.tokens for one in calls), calls, why)
    yield _count("API use", "cost", sum(one.cost_pico for one in calls) / 1e12, calls, why, "$")


def _github(audit: Sequence[AuditRecord]) -> Iterator[Figure]:
    """By what each connection noted at its end."""
    noted = [entry.body for entry in audit if (entry.actor, entry.event) == ("github", "asked")]
    asked = sum(int(body.get("requests", 0)) for body in noted)
    read, unchanged = (sum(int(body.get(name, 0)) for body in noted) for name in ("reads", "unchanged"))
    why = "GitHub was not asked"
    yield _count("API use", "requests to GitHub", asked, noted, why)
    yield _share("API use", "answers of GitHub from the cache", unchanged, read, why)


_CLAIMS = (
    ("speed", "faster", "times as fast", "x"),
    ("memory", "smaller", "times less memory", "x"),
    ("coverage", "covered", "lines that tests run now", "lines"),
    ("security", "safer", "security findings mended", "findings"),
    ("robustness", "sturdier", "weaknesses mended", "weaknesses"),
)


def _gains(workspace: Workspace, patches: Sequence[PatchRecord]) -> Iterator[Figure]:
    """By what was measured of the patches that are in the tree, or put up for it."""
    for state, statuses in (("applied", ("applied",)), ("put up", ("validated", "approved"))):
        chosen = [_measured(workspace, one) for one in patches if one.status in statuses]
        for group, check, name, unit in _CLAIMS:
            values = [value for evidence in chosen for one in evidence if (value := _value(one, check))]
            why, told = f"no patch that is {state} was measured for {group}", f"{name}, {state}"
            if unit == "x":
                yield _middle(group, told, values, unit, why)
            else:
                yield _count(group, told, sum(values), values, why, unit)


def _measured(workspace: Workspace, record: PatchRecord) -> tuple[Evidence, ...]:
    """The newest evidence about a patch; none where there is none, or its document is gone."""
    if record.evidence is None:
        return ()
    try:
        return Findings.decode(workspace.store.read(record.evidence), record.cid).evidence
    except BloomeryError:
        return ()


def _value(evidence: Evidence, check: str) -> float | None:
    return evidence.measured if evidence.check == check and evidence.state is State.PASSED else None


def _findings(events: Sequence[EventRecord]) -> Iterator[Figure]:
    for kind, group, name in (
        ("security_found", "security", "security findings"),
        ("weakness_found", "robustness", "weaknesses that faults showed"),
    ):
        noted = [one for one in events if one.kind == kind]
        found = sum(1.0 if one.value is None else one.value for one in noted)
        yield _count(group, name, found, noted, "nobody looked, or noted it")


def _undone(audit: Sequence[AuditRecord]) -> Iterator[Figure]:
    applied = [entry for entry in audit if entry.event == "applied"]
    for event, name in (
        ("rolled_back", "rolled back"),
        ("taken_out", "taken out by validation"),
        ("recovered", "undone after a kill"),
    ):
        found = len([entry for entry in audit if entry.event == event])
        yield _count("rollbacks", name, found, [*applied, *range(found)], "no patch was applied")


def _share(group: str, name: str, part: int, whole: int, why: str) -> Figure:
    value = part / whole if whole else None
    return Figure(group=group, name=name, value=value, unit="share", of=whole, note="" if whole else why)


def _count(group: str, name: str, value: float, of: Iterable[Any], why: str, unit: str = "") -> Figure:
    number = len(list(of))
    known = value if number else None
    return Figure(group=group, name=name, value=known, unit=unit, of=number, note="" if number else why)


def _middle(group: str, name: str, values: Sequence[float], unit: str, why: str) -> Figure:
    value = median(values) if values else None
    return Figure(group=group, name=name, value=value, unit=unit, of=len(values), note="" if values else why)
