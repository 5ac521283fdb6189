"""What is to be put up on GitHub, kept until it is there: one file a patch, replaced as a whole.

<workspace>/github/<owner>/<name>/<cid>.json     a publication: how far it has come
<workspace>/github/<owner>/<name>.lock           held by the process that is sending
"""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any, Literal, Self

from bloomery.core.disk import write_atomically
from bloomery.core.errors import DamagedArtifact
from bloomery.core.tokens import mask
from bloomery.core.workspace import Workspace
from bloomery.optimize.changes.lock import held

Stage = Literal["waiting", "open", "merged", "closed"]


@dataclass(frozen=True, kw_only=True)
class Publication:
    """A patch on its way to GitHub. `why`: what kept it from being sent; `files`: where it lies meanwhile.

    `wants_issue`: an issue is to be opened for it, `opening`: it was tried; `words`: what was asked for;
    `commit` and `pull` are there once they were made.
    """

    patch: str
    base: str | None = None
    issue: int | None = None
    wants_issue: bool = False
    words: str = ""
    opening: bool = False
    commit: str | None = None
    pull: int | None = None
    url: str = ""
    stage: Stage = "waiting"
    why: str = ""
    files: tuple[str, ...] = ()

    @property
    def is_over(self) -> bool:
        return self.stage in ("merged", "closed")

    @classmethod
    def read(cls, path: Path) -> Self:
        """Raises: DamagedArtifact."""
        try:
            plain = json.loads(path.read_text())
            return cls(**{**plain, "files": tuple(plain["files"])})
        except (ValueError, TypeError, KeyError):
            raise DamagedArtifact(
                f"{path} is no publication: move it away, then publish the patch again"
            ) from None


@dataclass(frozen=True)
class Outbox:
    """The publications of one repository."""

    folder: Path

    @classmethod
    def of(cls, workspace: Workspace, repository: str) -> Self:
        return cls(workspace.root / "github" / repository)

    @contextmanager
    def sending(self) -> Iterator[None]:
        """Alone in sending. Raises: WorkspaceBusy."""
        with held(self.folder.with_name(f"{self.folder.name}.lock"), "sending to GitHub"):
            yield

    def all(self) -> list[Publication]:
        """Every publication, in the order of the patches' names."""
        found = sorted(self.folder.glob("b*.json")) if self.folder.is_dir() else []
        return [Publication.read(path) for path in found]

    def of_pull(self, number: int) -> Publication | None:
        return next((one for one in self.all() if one.pull == number), None)

    def add(self, wanted: Publication) -> Publication:
        """The publication of its patch: the one that is there, if there is one."""
        path = self._path(wanted.patch)
        return Publication.read(path) if path.exists() else self.keep(wanted)

    def keep(self, one: Publication, **changed: Any) -> Publication:
        """Write down how far it has come."""
        if "why" in changed:
            changed["why"] = mask(changed["why"])
        one = replace(one, **changed)
        write_atomically(self._path(one.patch), json.dumps(asdict(one), indent=1).encode())
        return one

    def _path(self, cid: str) -> Path:
        return self.folder / f"{cid}.json"
