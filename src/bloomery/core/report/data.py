"""Everything that the catalog knows of a run, as plain values that strict JSON can hold."""

import math
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from importlib.metadata import version
from typing import Any

from bloomery.core.catalog import ArtifactRecord, Catalog, RunRecord, StepRecord
from bloomery.core.errors import UnknownName
from bloomery.core.evidence import State

Plain = dict[str, Any]


def report_data(catalog: Catalog, run_id: str) -> Plain:
    """The run with its steps, evidence, metrics, artifacts with their ancestors, config and environment.

    Each figure stands beside the run, step, CIDs and function or command that it comes from; a value that is
    not finite is null. Raises: UnknownName.
    """
    run = catalog.run(run_id)
    steps = [_step(catalog, run, record) for record in catalog.steps(run_id)]
    evidence = [item for step in steps for item in step["evidence"]]
    return {
        "format": "bloomery report 1",
        "bloomery": version("bloomery"),
        "run": _run(run),
        "summary": {
            "evidence": {str(state): _count(evidence, state) for state in State},
            "unmet": [item for item in evidence if item["required"] and item["state"] != State.PASSED],
            "steps": dict(Counter(step["status"] for step in steps)),
            "measured_s": sum(step["duration_s"] for step in steps if step["status"] != "memoized"),
        },
        "steps": steps,
        "artifacts": _artifacts(catalog, steps),
        "config": dict(run.config),
        "environment": dict(run.environment),
    }


def _run(run: RunRecord) -> Plain:
    finished = run.finished_at
    return {
        "id": run.run_id,
        "recipe": run.recipe,
        "seed": run.seed,
        "status": run.status,
        "command": run.environment.get("command", ""),
        "started_at": run.started_at.isoformat(timespec="seconds"),
        "finished_at": finished.isoformat(timespec="seconds") if finished else None,
        "elapsed_s": (finished - run.started_at).total_seconds() if finished else None,
    }


def _step(catalog: Catalog, run: RunRecord, record: StepRecord) -> Plain:
    metrics: dict[str, list[tuple[int, float | None]]] = {}
    for row in catalog.metrics(run.run_id, record.name):
        metrics.setdefault(row.name, []).append((row.index, _finite(row.value)))
    unfinished = record.status == "running" and run.status != "running"
    return {
        "name": record.name,
        "key": record.key,
        "status": "unfinished" if unfinished else record.status,
        "note": record.reason,
        "duration_s": record.duration_s or 0.0,
        "outputs": dict(record.outputs),
        "metrics": metrics,
        "evidence": [
            {key: _finite(value) for key, value in item.to_plain().items()}
            | {"run": run.run_id, "step": record.name}
            for item in catalog.evidence(run.run_id, record.name)
        ],
    }


def _artifacts(catalog: Catalog, steps: Sequence[Mapping[str, Any]]) -> list[Plain]:
    """What the run's steps gave and everything that it was made from, parents before children."""
    made: dict[str, tuple[str, str]] = {}
    for step in steps:
        for name, cid in step["outputs"].items():
            made.setdefault(cid, (step["name"], name))  # the same bytes may come from several steps
    found: dict[str, Plain] = {}

    def visit(cid: str) -> None:
        if cid in found:
            return
        record = _known(catalog, cid)
        found[cid] = {}  # holds the place: a parent may be reached twice
        for parent in record.parents if record else ():
            visit(parent)
        del found[cid]
        found[cid] = _artifact(cid, record, made.get(cid))

    for cid in made:
        visit(cid)
    return list(found.values())


def _artifact(cid: str, record: ArtifactRecord | None, made: tuple[str, str] | None) -> Plain:
    step, name = made or ((record.step or "", record.name) if record else ("", "unknown"))
    return {
        "cid": cid,
        "name": name,
        "step": step,
        "of_this_run": made is not None,
        "kind": record.kind if record else "",
        "size_bytes": record.size_bytes if record else None,
        "parents": list(record.parents) if record else [],
        "facts": dict(record.facts) if record else {},
    }


def _known(catalog: Catalog, cid: str) -> ArtifactRecord | None:
    try:
        return catalog.artifact(cid)
    except UnknownName:
        return None


def _count(evidence: Iterable[Mapping[str, Any]], state: State) -> int:
    return sum(item["state"] == state for item in evidence)


def _finite(value: Any) -> Any:
    if isinstance(value, float) and not math.isfinite(value):
        return None
    return [_finite(item) for item in value] if isinstance(value, list | tuple) else value
