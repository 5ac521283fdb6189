"""The runs of a workspace, for people: found, shown, compared, paused, and gone back in."""

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import psutil

from bloomery.core.catalog import RunRecord, StepRecord
from bloomery.core.config import differences
from bloomery.core.errors import UserError
from bloomery.core.evidence import Evidence
from bloomery.core.run import request_pause
from bloomery.core.workspace import Workspace


@dataclass(frozen=True, kw_only=True)
class RunCard:
    """What a workspace knows of a run: where it stands, its steps, and what was measured in it."""

    run: RunRecord
    status: str
    steps: tuple[StepRecord, ...]
    evidence: tuple[Evidence, ...]
    by_stage: Mapping[str, tuple[Evidence, ...]]
    model: str | None
    folder: Path | None
    report: Path | None


@dataclass(frozen=True, kw_only=True)
class RunComparison:
    """What differs between runs: settings that do, and each check's figure in each run."""

    settings: Mapping[str, Sequence[str]]
    evidence: Mapping[str, Mapping[str, Evidence]]


def find_run(workspace: Workspace, run_id: str | None = None) -> RunRecord:
    """A run by its id or the only one that begins so; without one, the run that was last at work.

    Raises: UserError where there is none, or several; UnknownName.
    """
    runs = workspace.catalog.runs()
    if not runs:
        raise UserError(f"{workspace.root} has no run; start one with `bloomery forge run`")
    if run_id is None:
        return max(runs, key=_last_at_work)
    fitting = [record for record in runs if run_id and record.run_id.startswith(run_id)]
    if len(fitting) > 1 and run_id not in {record.run_id for record in fitting}:
        raise UserError(f"'{run_id}' begins the ids of {len(fitting)} runs; write more of it")
    return fitting[0] if len(fitting) == 1 else workspace.catalog.run(run_id)


def show_run(workspace: Workspace, run_id: str | None = None) -> RunCard:
    """Raises: UserError, UnknownName."""
    record = find_run(workspace, run_id)
    steps = workspace.catalog.steps(record.run_id)
    folder = workspace.runs / record.run_id
    shipped = [cid for step in steps if step.status != "rolled_back" and (cid := step.outputs.get("shipped"))]
    return RunCard(
        run=record,
        status="killed" if record.status == "running" and not _is_alive(workspace) else record.status,
        steps=tuple(steps),
        evidence=tuple(workspace.catalog.evidence(record.run_id)),
        by_stage=_by_stage(workspace, record.run_id, steps),
        model=shipped[-1] if shipped else None,
        folder=_if_there(folder / "model"),
        report=_if_there(folder / "report.html"),
    )


def _by_stage(
    workspace: Workspace, run_id: str, steps: Iterable[StepRecord]
) -> dict[str, tuple[Evidence, ...]]:
    """What was measured in the steps of each stage, in their order."""
    found: dict[str, tuple[Evidence, ...]] = {}
    for step in steps:
        stage = step.name.partition(".")[0]
        found[stage] = found.get(stage, ()) + tuple(workspace.catalog.evidence(run_id, step.name))
    return {stage: evidence for stage, evidence in found.items() if evidence}


def pause_run(workspace: Workspace, run_id: str | None = None) -> RunRecord:
    """Ask a run to stop at its next checkpoint.

    Raises: UnknownName; UserError where it is not running.
    """
    card = show_run(workspace, run_id)
    if card.status == "killed":
        raise UserError(
            f"run {card.run.run_id} was killed: there is nothing to pause; `bloomery forge resume` goes on"
        )
    request_pause(workspace, card.run.run_id)
    return card.run


def compare_runs(workspace: Workspace, first: str, *others: str) -> RunComparison:
    """Settings in which the others differ from the first, and for each `stage: check` its evidence by run.

    Raises: UserError, UnknownName.
    """
    cards = {card.run.run_id: card for card in (show_run(workspace, name) for name in (first, *others))}
    if len(cards) < 2:
        raise UserError(f"only run {next(iter(cards))} is named; name another one to compare it with")
    base, *rest = cards.values()
    found: dict[str, dict[str, Evidence]] = {}
    for run_id, card in cards.items():
        for stage, evidence in card.by_stage.items():
            for item in evidence:
                found.setdefault(f"{stage}: {item.check}", {})[run_id] = item
    return RunComparison(
        settings={card.run.run_id: differences(base.run.config, card.run.config) for card in rest},
        evidence=found,
    )


def _last_at_work(record: RunRecord) -> datetime:
    if record.status == "running":
        return datetime.max.replace(tzinfo=UTC)
    return record.finished_at or record.started_at


def _is_alive(workspace: Workspace) -> bool:
    """Whether the process that last took the workspace's lock lives; a killed run cannot say so itself."""
    try:
        return psutil.pid_exists(json.loads((workspace.root / "locks" / "run.lock").read_text())["pid"])
    except (FileNotFoundError, ValueError):  # nobody holds it
        return False


def _if_there(path: Path) -> Path | None:
    return path if path.exists() else None
