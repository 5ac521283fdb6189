"""A workspace: the folder that holds one store, one catalog and the folders of the runs.

<root>/store/            artifacts by CID
<root>/catalog.sqlite    runs, steps, metrics, artifacts, evidence (or elsewhere, by URL)
<root>/runs/<id>/        config, environment, checkpoints, report
<root>/charts/           drawings of curves, by what they show; they can be drawn again
<root>/locks/run.lock    held by the process that runs, freed by the operating system at its death
"""

import fcntl
import json
import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Self

from bloomery.core.catalog import ArtifactRecord, Catalog
from bloomery.core.errors import DamagedArtifact, MissingFile, UserError, WorkspaceBusy
from bloomery.core.store import Store

CATALOG_URL = "BLOOMERY_CATALOG"  # environment variable: a database URL to use instead of catalog.sqlite


@dataclass(frozen=True)
class Workspace:
    """One store, one catalog, the runs' folders, and the lock that keeps two runs apart."""

    root: Path
    store: Store
    catalog: Catalog

    @classmethod
    def open(cls, path: Path | str = ".bloomery", *, catalog: str | None = None, create: bool = True) -> Self:
        """Open the workspace at `path`, made if it is not there.

        The catalog is `catalog` (a database URL), else what BLOOMERY_CATALOG names, else catalog.sqlite.
        Raises: MissingFile if it is not there and `create` is false; UserError if `path` is a file.
        """
        root = Path(path).absolute()
        if root.exists() and not root.is_dir():
            raise UserError(f"{root} is a file; a workspace is a folder: name another path")
        if not create and not cls.is_at(root):
            raise MissingFile(f"no workspace at {root}; start a run there first, or name its folder")
        for folder in (root / "runs", root / "locks"):
            folder.mkdir(parents=True, exist_ok=True)
        url = catalog or os.environ.get(CATALOG_URL) or root / "catalog.sqlite"
        return cls(root, Store(root / "store"), Catalog.open(url))

    @staticmethod
    def is_at(path: Path | str) -> bool:
        """Whether a workspace lies at `path`: a store makes it one; a folder of caches alone is none."""
        return (Path(path) / "store").is_dir()

    @property
    def runs(self) -> Path:
        """The folder of the runs' folders."""
        return self.root / "runs"

    @property
    def charts(self) -> Path:
        """The folder of charts that were drawn already."""
        return self.root / "charts"

    @contextmanager
    def lock(self, purpose: str) -> Iterator[None]:
        """Keep every other run out until the block ends or this process dies.

        Raises: WorkspaceBusy, naming the process that holds the lock and what for.
        """
        path = self.root / "locks" / "run.lock"
        with path.open("a+") as file:
            try:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                raise WorkspaceBusy(_busy(self.root, path)) from None
            file.truncate(0)
            file.write(json.dumps({"pid": os.getpid(), "purpose": purpose}))
            file.flush()
            _held.add(file.fileno())
            try:
                yield
            finally:
                _held.discard(file.fileno())
                file.truncate(0)

    def artifact(self, cid: str) -> Path:
        """Where the artifact lies in the store, verified.

        Raises: DamagedArtifact and MissingFile, with the artifact's name and lineage.
        """
        try:
            return self.store.path(cid)
        except (DamagedArtifact, MissingFile) as error:
            raise type(error)(f"{self.describe(cid)}: {error}") from error

    def verify(self) -> list[DamagedArtifact]:
        """Hash everything in the store again; what is damaged, with names and lineages."""
        damage = []
        for cid in self.store:
            try:
                self.store.verify(cid)
            except DamagedArtifact as error:
                damage.append(DamagedArtifact(f"{self.describe(cid)}: {error}"))
        return damage

    def describe(self, cid: str) -> str:
        """The artifact's name and origin, and those of its ancestors: `b (step s of run r) <- a (...)`."""
        tree = self.catalog.lineage(cid)
        if tree is None:
            return f"an artifact that the catalog does not know ({cid})"
        artifacts = [tree.artifact, *tree.ancestors()]
        return " <- ".join(f"{artifact.name} ({_origin(artifact)})" for artifact in artifacts)


_held: set[int] = set()


def _let_go_in_child() -> None:
    """A forked child shares the parent's lock and would hold it past the parent's death."""
    null = os.open(os.devnull, os.O_RDWR)
    for descriptor in _held:
        os.dup2(null, descriptor, inheritable=False)
    os.close(null)
    _held.clear()


os.register_at_fork(after_in_child=_let_go_in_child)


def _origin(artifact: ArtifactRecord) -> str:
    if artifact.run_id is None:
        return "brought in from outside"
    return f"step {artifact.step} of run {artifact.run_id}"


def _busy(root: Path, lock: Path) -> str:
    try:
        holder = json.loads(lock.read_text())
        who = f"process {holder['pid']} ({holder['purpose']})"
    except ValueError:  # it has the lock and has not written its name yet
        who = "another process"
    return f"{root} is in use by {who}; wait until it ends, stop it, or use another workspace"
