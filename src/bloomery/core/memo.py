"""What a finished step leaves in the workspace, and how it is found again by its key.

Outputs are in the store before the catalog hears of them, and the line that makes a step done is written
last: a kill in between costs the work of saying it again.
"""

from collections.abc import Iterable, Mapping

from bloomery.core.catalog import StepRecord
from bloomery.core.config import canonical_json
from bloomery.core.errors import DamagedArtifact, Failure, MissingFile
from bloomery.core.evidence import Evidence
from bloomery.core.log import get_log
from bloomery.core.step import StepContext, StepResult
from bloomery.core.workspace import Workspace

log = get_log("memo")


def recall(workspace: Workspace, run_id: str, name: str, key: str) -> tuple[StepResult | None, str]:
    """The remembered result, shown in this run too, or a note why it cannot be used."""
    catalog = workspace.catalog
    record = catalog.find_step(key, run_id)
    if record is None:
        return None, ""
    try:
        for cid in record.outputs.values():
            workspace.artifact(cid)
    except (DamagedArtifact, MissingFile) as damage:
        log.warning("step is computed again", step=name, because=str(damage))
        return None, f"computed again: {damage}"
    evidence = tuple(catalog.evidence(record.run_id, record.name))
    if record.run_id != run_id:
        _copy(workspace, run_id, record, evidence)
    log.info("step remembered", step=name, from_run=record.run_id)
    return StepResult(
        name=record.name, key=record.key, outputs=dict(record.outputs), memoized=True,
        duration_s=record.duration_s or 0.0, evidence=evidence, status="memoized", note=_origin(record),
    ), ""  # fmt: skip


def keep(workspace: Workspace, name: str, context: StepContext) -> dict[str, str]:
    """Put what the step wrote into the store; the catalog hears of it at the commit."""
    canonical_json(context.facts)  # refuse now what the catalog could not hold
    outputs: dict[str, str] = {}
    for entry in sorted(context.output.iterdir()):
        if entry.stem in outputs:
            raise Failure(f"step '{name}' wrote two outputs named '{entry.stem}': rename one")
        outputs[entry.stem] = workspace.store.put(entry)
    return outputs


def commit(
    workspace: Workspace,
    run_id: str,
    name: str,
    context: StepContext,
    *,
    outputs: Mapping[str, str],
    parents: Iterable[str],
    duration_s: float,
    note: str,
) -> None:
    """Tell the catalog. The last line makes the step done; a kill before it repeats all of them."""
    catalog, parents = workspace.catalog, list(parents)
    for output, cid in outputs.items():
        catalog.add_artifact(
            cid, kind=context.kinds.get(output, output), size_bytes=workspace.store.size_bytes(cid),
            run_id=run_id, step=name, name=output, parents=parents, facts=context.facts,
        )  # fmt: skip
    catalog.add_metrics(run_id, name, context.journal.metrics)
    for item in context.journal.evidence:
        catalog.add_evidence(run_id, name, item)
    catalog.finish_step(run_id, name, "done", outputs, duration_s, note)


def _copy(workspace: Workspace, run_id: str, record: StepRecord, evidence: Iterable[Evidence]) -> None:
    """Show another run's step in this one too."""
    catalog = workspace.catalog
    rows = [(row.name, row.index, row.value) for row in catalog.metrics(record.run_id, record.name)]
    catalog.start_step(run_id, record.name, record.key)
    catalog.add_metrics(run_id, record.name, rows)
    for item in evidence:
        catalog.add_evidence(run_id, record.name, item)
    catalog.finish_step(
        run_id, record.name, "memoized", record.outputs, record.duration_s or 0.0, _origin(record)
    )


def _origin(record: StepRecord) -> str:
    """Names the run that computed the step; one that only remembered it passes on what it was told."""
    return record.reason if record.status == "memoized" else f"remembered from run {record.run_id}"
