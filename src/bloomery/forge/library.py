"""What a workspace holds, for people: its runs and models, found, shown, compared, exported, removed."""

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import psutil

from bloomery.core.catalog import ArtifactRecord, RunRecord, StepRecord
from bloomery.core.disk import remove_tree
from bloomery.core.errors import BloomeryError, MissingFile, UnknownName, UserError
from bloomery.core.evidence import Evidence
from bloomery.core.remote import pull
from bloomery.core.run import request_pause
from bloomery.core.workspace import Workspace

KINDS = ("model", "shipped model")
SHORTEST_PREFIX = 6


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
class ModelCard:
    """What a workspace knows of a model: the artifact, what it was made from, and what was measured on it."""

    artifact: ArtifactRecord
    in_store: bool
    lineage: str
    evidence: tuple[Evidence, ...]


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


def list_models(workspace: Workspace) -> list[ArtifactRecord]:
    """Every model that the catalog knows, oldest first."""
    found = [artifact for kind in KINDS for artifact in workspace.catalog.artifacts(kind)]
    return sorted(found, key=lambda artifact: artifact.created_at)


def find_model(workspace: Workspace, name: str) -> ArtifactRecord:
    """A model by CID, by the beginning of one, as `<run>/<step>`, or by its step or name (the newest).

    Raises: UnknownName; UserError where the beginning of a CID fits several.
    """
    models = list_models(workspace)
    made = [model for model in models if model.run_id is not None]
    by_name = {model.name: model for model in models} | {str(model.step): model for model in made}
    by_name |= {f"{model.run_id}/{model.step}": model for model in made}
    by_name |= {model.cid: model for model in models}
    if name in by_name:
        return by_name[name]
    fitting = {model.cid for model in models if len(name) >= SHORTEST_PREFIX and model.cid.startswith(name)}
    if len(fitting) > 1:
        raise UserError(f"'{name}' begins {len(fitting)} CIDs; write more of it")
    if not fitting:
        raise UnknownName("model", name, {model.name for model in models} | {str(m.step) for m in made})
    return by_name[fitting.pop()]


def model_folder(workspace: Workspace | None, name: str) -> Path:
    """A model's folder: a path as it is, else a model of the workspace, verified.

    Raises: MissingFile, UnknownName, DamagedArtifact.
    """
    path = Path(name).expanduser()
    if path.is_dir():
        return path
    is_path = "/" in name.rstrip("/") and name.startswith((".", "/", "~"))
    if workspace is None or is_path or path.exists():
        raise MissingFile(
            f"there is no model folder {path}; name a folder, a CID or a model of the workspace"
        )
    return workspace.artifact(find_model(workspace, name).cid)


def show_model(workspace: Workspace, name: str) -> ModelCard:
    """Evidence of a shipped model is that of the model whose folder it is, too.

    Raises: UnknownName, UserError.
    """
    artifact = find_model(workspace, name)
    subjects = {artifact.cid, *(artifact.parents if artifact.kind == "shipped model" else ())}
    found = [
        item
        for run in workspace.catalog.runs()
        for item in workspace.catalog.evidence(run.run_id)
        if subjects.intersection(item.inputs)
    ]
    latest = {item.check: item for item in found}
    return ModelCard(
        artifact=artifact,
        in_store=workspace.store.has(artifact.cid),
        lineage=workspace.describe(artifact.cid),
        evidence=tuple(latest.values()),
    )


def recorded(workspace: Workspace, name: str) -> Mapping[str, Any]:
    """What a workspace holds of a model: its facts, what was measured on it, and what chose it.

    Raises: UnknownName, UserError.
    """
    return _values(workspace, show_model(workspace, name))


def export_model(workspace: Workspace, name: str, destination: Path) -> Path:
    """A copy of the model's folder that may be changed; an existing destination is refused.

    Raises: UserError, DamagedArtifact, DiskFull.
    """
    if destination.exists():
        raise UserError(f"{destination} exists; name a folder that does not")
    return workspace.store.copy_to(find_model(workspace, name).cid, destination)


def remove_model(workspace: Workspace, name: str) -> ArtifactRecord:
    """Take a model's bytes out of the store. Its history stays; a run that needs it computes it again.

    Raises: WorkspaceBusy, UnknownName.
    """
    artifact = find_model(workspace, name)
    with workspace.lock(f"removal of {artifact.cid}"):
        workspace.store.remove(artifact.cid)
        if artifact.kind == "shipped model" and artifact.run_id:
            remove_tree(workspace.runs / artifact.run_id / "model")
    return artifact


def bring_in(workspace: Workspace, cid: str, url: str, *, name: str = "pulled") -> ArtifactRecord:
    """Fetch an artifact from a remote and enter it into the catalog, so that no clean-up takes it.

    Raises: MissingFile, DamagedArtifact, DiskFull.
    """
    path = pull(workspace.store, cid, url)
    is_model = (path / "config.json").is_file() and any(path.glob("*.safetensors"))
    workspace.catalog.add_artifact(
        cid, kind="model" if is_model else "artifact", size_bytes=workspace.store.size_bytes(cid), name=name
    )
    return workspace.catalog.artifact(cid)


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


def _values(workspace: Workspace, card: ModelCard) -> Mapping[str, Any]:
    measured = {item.check: item.measured for item in card.evidence}
    facts = {"bytes on disk": card.artifact.size_bytes, **card.artifact.facts}
    return {**facts, **dict(_claims(workspace, card.artifact)), **measured}


def _claims(workspace: Workspace, model: ArtifactRecord) -> Iterable[tuple[str, float]]:
    """The accuracies by which a stage chose between its candidates: they are there for all of them."""
    candidate = str(model.step).rpartition(".")[2]
    for artifact in workspace.catalog.artifacts("claims"):
        if model.cid in artifact.parents:
            try:
                scores = json.loads(workspace.store.read(artifact.cid))["scores"]
            except BloomeryError:  # removed or damaged: it is absent, and `workspace verify` says so
                continue
            for task, result in scores.get(candidate, {}).items():
                yield f"selection: {task}", result["rate"]
