"""What is kept and what goes: a policy over runs, and the artifacts that only removed runs refer to."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from bloomery.core.catalog import ArtifactRecord, Catalog, RunRecord
from bloomery.core.config import option
from bloomery.core.disk import remove_tree
from bloomery.core.workspace import Workspace


@dataclass(frozen=True, kw_only=True)
class Retention:
    """What `clean` keeps; null switches a rule off."""

    keep_days: int | None = option(30, low=0, help="runs are kept for this long, in days")
    keep_failed_days: int | None = option(7, low=0, help="failed runs are kept for this long, in days")
    keep_runs: int | None = option(100, low=0, help="at most so many runs are kept, the newest ones")
    remove_unknown: bool = option(
        False, help="also remove what the catalog does not know, e.g. pulled artifacts"
    )


@dataclass(frozen=True, kw_only=True)
class Removal:
    """What goes, or in a dry run what would go."""

    runs: tuple[str, ...]
    artifacts: tuple[str, ...]
    size_bytes: int
    unknown: tuple[str, ...]


def clean(
    workspace: Workspace, policy: Retention, *, dry_run: bool = False, now: datetime | None = None
) -> Removal:
    """Remove the runs that `policy` does not keep, and the artifacts that no kept run made or used.

    Safe to kill: what is left of a removal goes with the next one.
    Raises: WorkspaceBusy while a run executes.
    """
    if dry_run:
        return plan(workspace, policy, now=now)
    with workspace.lock("clean"):
        removal = plan(workspace, policy, now=now)
        for cid in removal.artifacts:
            workspace.store.remove(cid)
        for run_id in removal.runs:
            remove_tree(workspace.runs / run_id)
            workspace.catalog.delete_run(run_id)
        workspace.catalog.forget_artifacts(_forgettable(workspace.catalog))
        workspace.store.sweep()
        remove_tree(workspace.charts)
    return removal


def plan(workspace: Workspace, policy: Retention, *, now: datetime | None = None) -> Removal:
    """What `clean` would remove."""
    catalog, store = workspace.catalog, workspace.store
    old = _expired(catalog, policy, now or datetime.now(UTC))
    kept = _referenced(catalog, [run.run_id for run in catalog.runs() if run.run_id not in old])
    known = {artifact.cid for artifact in catalog.artifacts()}
    unknown = tuple(cid for cid in store if cid not in known | kept)
    gone = [cid for cid in store if cid in known - kept or (policy.remove_unknown and cid in unknown)]
    return Removal(
        runs=tuple(old),
        artifacts=tuple(gone),
        size_bytes=sum(store.size_bytes(cid) for cid in gone),
        unknown=unknown,
    )


def _expired(catalog: Catalog, policy: Retention, now: datetime) -> dict[str, None]:
    """The ids of the runs that no rule keeps, the oldest first."""
    runs = catalog.runs()
    surplus = len(runs) if policy.keep_runs is None else policy.keep_runs
    newest = {run.run_id for run in runs[max(0, len(runs) - surplus) :]}
    return {
        run.run_id: None
        for run in runs
        if run.run_id not in newest or _too_old(run, now - _last_active(catalog, run), policy)
    }


def _last_active(catalog: Catalog, run: RunRecord) -> datetime:
    """When it ended, else what the run, begun perhaps long ago, did last."""
    steps = catalog.steps(run.run_id)
    return run.finished_at or max([run.started_at, *(step.finished_at or step.started_at for step in steps)])


def _too_old(run: RunRecord, age: timedelta, policy: Retention) -> bool:
    limits = [policy.keep_days, policy.keep_failed_days if run.status == "failed" else None]
    return any(days is not None and age > timedelta(days=days) for days in limits)


def _referenced(catalog: Catalog, run_ids: Iterable[str]) -> set[str]:
    """What these runs made or used, and what was brought in from outside."""
    run_ids = set(run_ids)
    made = {cid for run_id in run_ids for step in catalog.steps(run_id) for cid in step.outputs.values()}
    artifacts = {artifact.cid: artifact for artifact in catalog.artifacts()}
    made |= {
        cid for cid, artifact in artifacts.items() if artifact.run_id is None or artifact.run_id in run_ids
    }
    return made | {parent for cid in made & set(artifacts) for parent in artifacts[cid].parents}


def _forgettable(catalog: Catalog) -> set[str]:
    """Artifacts that are in nobody's lineage any more."""
    artifacts = {artifact.cid: artifact for artifact in catalog.artifacts()}
    return set(artifacts) - _with_ancestors(
        _referenced(catalog, [r.run_id for r in catalog.runs()]), artifacts
    )


def _with_ancestors(cids: set[str], artifacts: Mapping[str, ArtifactRecord]) -> set[str]:
    found, level = set(cids), cids
    while level:
        level = {p for cid in level & set(artifacts) for p in artifacts[cid].parents} - found
        found |= level
    return found
