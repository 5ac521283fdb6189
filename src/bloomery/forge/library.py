"""The models of a workspace, for people: found, shown, exported, removed, brought in."""

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from bloomery.core.catalog import ArtifactRecord
from bloomery.core.disk import remove_tree
from bloomery.core.errors import BloomeryError, MissingFile, UnknownName, UserError
from bloomery.core.evidence import Evidence
from bloomery.core.remote import pull
from bloomery.core.workspace import Workspace

KINDS = ("model", "shipped model")
SHORTEST_PREFIX = 6


@dataclass(frozen=True, kw_only=True)
class ModelCard:
    """What a workspace knows of a model: the artifact, what it was made from, and what was measured on it."""

    artifact: ArtifactRecord
    in_store: bool
    lineage: str
    evidence: tuple[Evidence, ...]


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
