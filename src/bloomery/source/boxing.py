"""A copy of a project in a folder of its own: what a sandbox can be raised around.

The project itself is only read. What its tests do to files, they do to the copy.
"""

import os
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

from bloomery.core.errors import MissingFile, UserError
from bloomery.core.sandbox import Limits

LEFT_OUT = (
    ".git", ".hg", ".venv", "venv", "node_modules", "__pycache__", ".mypy_cache", ".ruff_cache",
    ".pytest_cache", ".hypothesis", ".tox", ".nox", ".bloomery",
)  # fmt: skip
MOST_BYTES = 400 * 2**20
ROOMY = Limits(
    time_s=3600, cpu_s=3600, memory_bytes=4 * 2**30, processes=64, file_bytes=256 * 2**20,
    output_bytes=64 * 2**20,
)  # fmt: skip


@dataclass(frozen=True)
class Box:
    """`project` is the copy of `original`; nothing outside of `folder` is written."""

    folder: Path
    original: Path

    @property
    def project(self) -> Path:
        return self.folder / "project"

    def inner(self, path: Path) -> Path:
        """The copy of a file of the original."""
        return self.project / path.resolve().relative_to(self.original)

    def outer(self, path: Path) -> Path:
        """The file that one is a copy of."""
        return self.original / path.resolve().relative_to(self.project)


@contextmanager
def boxed(project: Path) -> Iterator[Box]:
    """A copy of a project, gone afterwards.

    Of a git repository what git knows and what it does not ignore; of other folders everything but caches,
    environments and version control.

    Raises: MissingFile where there is no such folder; UserError for a project too large to copy.
    """
    if not project.is_dir():
        raise MissingFile(f"{project}: there is no such folder")
    project = project.resolve()
    files = _listed(project) or list(_files(project))
    size = sum(file.lstat().st_size for file in files)
    if size > MOST_BYTES:
        raise UserError(
            f"{project}: {size >> 20} MiB to copy into the sandbox, more than {MOST_BYTES >> 20}; "
            "name a smaller root"
        )
    with TemporaryDirectory(prefix="bloomery-box-") as name:
        box = Box(Path(name).resolve(), project)
        box.project.mkdir()
        for file in files:
            _copy(file, box.project / file.relative_to(project))
        yield box


def _listed(project: Path) -> list[Path]:
    """The files that git tracks or would track; none where there is no repository, or git is not there."""
    command = ["git", "-c", "core.fsmonitor=false", "ls-files", "-z", "--cached", "--others"]
    try:
        done = subprocess.run([*command, "--exclude-standard"], cwd=project, capture_output=True, check=False)
    except FileNotFoundError:
        return []
    names = [os.fsdecode(name) for name in done.stdout.split(b"\0") if name] if not done.returncode else []
    found: list[Path] = []
    for name in dict.fromkeys(names):
        place = project / name
        if place.is_dir() and not place.is_symlink():  # a repository within
            found += _files(place)
        elif place.is_symlink() or place.is_file():
            found.append(place)
    return found


def _copy(file: Path, to: Path) -> None:
    to.parent.mkdir(parents=True, exist_ok=True)
    shutil.copy2(file, to, follow_symlinks=False)


def _files(folder: Path) -> Iterator[Path]:
    for entry in folder.iterdir():
        if entry.name in LEFT_OUT:
            continue
        if entry.is_symlink() or entry.is_file():
            yield entry
        elif entry.is_dir():
            yield from _files(entry)
