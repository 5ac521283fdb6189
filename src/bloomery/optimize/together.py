"""Several agents at one task: each file is a task of its own on the queue, and offers are put together."""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace

from bloomery.core.catalog import TaskRecord
from bloomery.core.workspace import Workspace
from bloomery.optimize.bench import JUDGING, Watch
from bloomery.optimize.changes import Ledger, Rules, open_ledger
from bloomery.optimize.coordinating import Crew, Summary, coordinate, enqueue
from bloomery.optimize.coordinating.jobs import Validate, Work, optimizing, validating
from bloomery.optimize.optimizing import Approve
from bloomery.optimize.putting_up import apply_automatically, check_least_gain
from bloomery.optimize.reporting import Report, Tried
from bloomery.optimize.targets import checked
from bloomery.optimize.task import OptimizationTask


def optimize_together(
    workspace: Workspace,
    task: OptimizationTask,
    *,
    method: str,
    agents: int,
    progress: Watch | None = None,
    approve: Approve = "none",
    least_gain: float | None = None,
    rules: Rules | None = None,
    notes: Sequence[str] = (),
    work: Work = optimizing,
    validate: Validate = validating,
) -> Report:
    """As `optimize`, by `agents` processes; what of their patches overlaps is merged, or left to a person.

    Raises: UserError as `optimize`; WorkspaceBusy while another process works on the repository's queue.
    """
    check_least_gain(task.goal, approve, least_gain)
    watch: Watch = progress or (lambda step, done, total, text: None)
    ledger = open_ledger(workspace, task.root, rules)
    named = checked(ledger.repository, task, workspace.root)
    queued = [enqueue(workspace, replace(task, paths=(path,)), method=method) for path in task.paths]
    names = {one.name for one in queued}

    def told(event: str, subject: str) -> None:
        ended = [one for one in workspace.catalog.queue.tasks(root=ledger.root) if one.name in names]
        done = sum(one.state not in ("waiting", "leased") for one in ended)
        watch(JUDGING, done, len(names), f"{subject} {event}")

    crew = Crew(agents=agents, rules=ledger.rules, work=work, validate=validate)
    summary = coordinate(workspace, task.root, crew, told=told)
    watch(JUDGING, 1, 1, "")
    tasks = [one for one in summary.tasks if one.name in names]
    said = [*notes, *named.notes, *_notes(tasks, summary)]
    report = _report(ledger, task, method, tasks, summary, said)
    return report if approve == "none" else _applied(ledger, report, least_gain)


def _report(
    ledger: Ledger,
    task: OptimizationTask,
    method: str,
    tasks: Sequence[TaskRecord],
    summary: Summary,
    notes: Sequence[str],
) -> Report:
    reports = [one.facts["report"] for one in tasks if "report" in one.facts]
    tests = sum((Counter(one["tests"]) for one in reports), Counter[str]())
    fates = {one.cid: (one.state, one.became, one.reason) for one in summary.offers}
    inner = [note for one in reports for note in one["notes"]]
    return Report(
        method=method,
        goal=task.goal,
        level=task.level,
        root=task.root,
        commit=ledger.repository.object("HEAD^{commit}", "commit once"),
        paths=task.paths,
        tests=dict(tests),
        tried=tuple(_settled(Tried(**row), fates) for one in reports for row in one["tried"]),
        remembered=sum(one["remembered"] for one in reports),
        notes=tuple(dict.fromkeys([*notes, *inner])),
        facts={"tasks": len(tasks), "agents that died": summary.deaths},
    )


def _settled(tried: Tried, fates: Mapping[str, tuple[str, str | None, str]]) -> Tried:
    """What became of a patch among those of the others."""
    state, became, reason = fates.get(tried.patch or "", ("ready", None, ""))
    if tried.patch is None or state == "ready":
        return tried
    if state == "merged" and became:
        return replace(tried, patch=became, reason=f"merged with another: {reason}")
    return replace(tried, fate="accepted", patch=None, reason=f"{state}: {reason}")


def _notes(tasks: Sequence[TaskRecord], summary: Summary) -> Iterator[str]:
    for one in tasks:
        if one.state == "failed":
            yield f"{', '.join(one.paths)}: {one.reason}"
    waiting = [one for one in summary.conflicts if one.state == "open"]
    if waiting:
        yield f"{len(waiting)} patches are in conflict and wait for a person: bloomery queue list"


def _applied(ledger: Ledger, report: Report, least_gain: float | None) -> Report:
    applied, notes = [], list(report.notes)
    for cid in dict.fromkeys(one.patch for one in report.kept if one.patch):
        done, why = apply_automatically(ledger, cid, least_gain=least_gain)
        applied += [cid] if done else []
        notes += [] if done else [f"not applied: {why}"]
    return replace(report, applied=tuple(applied), notes=tuple(notes))
