"""A copy of a project in a folder of its own: what a sandbox can be raised around.

The project itself is only read. What its tests do to files, they do to the copy.
"""

import shutil
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
    """A copy of a project, gone afterwards; version control, caches and environments stay behind.

    Raises: MissingFile where there is no such folder; UserError for a project too large to copy.
    """
    if not project.is_dir():
        raise MissingFile(f"{project}: there is no such folder")
    project = project.resolve()
    size = sum(file.stat().st_size for file in _files(project))
    if size > MOST_BYTES:
        raise UserError(
            f"{project}: {size >> 20} MiB to copy into the sandbox, more than {MOST_BYTES >> 20}; "
            "name a smaller root"
        )
    with TemporaryDirectory(prefix="bloomery-box-") as name:
        box = Box(Path(name).resolve(), project)
        left_out = shutil.ignore_patterns(*LEFT_OUT)
        shutil.copytree(project, box.project, ignore=left_out, symlinks=True)
        yield box


def _files(folder: Path) -> Iterator[Path]:
    for entry in folder.iterdir():
        if entry.name in LEFT_OUT or entry.is_symlink():
            continue
        if entry.is_dir():
            yield from _files(entry)
        elif entry.is_file():
            yield entry
