"""A program run behind the sandbox's walls, on a copy of a worktree."""

import shutil
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

from bloomery.core.errors import UserError
from bloomery.core.sandbox import Limits, SandboxResult, run
from bloomery.source.modules import source_roots

MIB = 2**20
MOST_BYTES = 1024 * MIB
LIMITS = Limits(
    time_s=600,
    cpu_s=600,
    memory_bytes=8 * 1024 * MIB,
    processes=96,
    file_bytes=256 * MIB,
    output_bytes=16 * MIB,
)
LEFT_OUT = (".git", ".venv", "venv", "node_modules", "__pycache__", ".bloomery")


@dataclass(frozen=True)
class Workplace:
    """`tree` is the copy, `beside` a folder for what is ours; a program in the sandbox can write both."""

    folder: Path

    @property
    def tree(self) -> Path:
        return self.folder / "tree"

    @property
    def beside(self) -> Path:
        return self.folder / "beside"

    def run(
        self, argv: Sequence[str], *, limits: Limits = LIMITS, variables: Mapping[str, str] | None = None
    ) -> SandboxResult:
        """Run a program in the copy."""
        given = {"PYTHONPATH": ":".join(map(str, source_roots(self.tree))), **(variables or {})}
        words = ["/usr/bin/env", "-C", str(self.tree), *(f"{name}={value}" for name, value in given.items())]
        return run([*words, *argv], folder=self.folder, limits=limits)

    def python(self, *words: str, limits: Limits = LIMITS) -> SandboxResult:
        return self.run([sys.executable, *words], limits=limits)


SETTINGS = ("pyproject.toml", "ruff.toml", ".ruff.toml", "setup.cfg", "mypy.ini", ".mypy.ini")


@contextmanager
def workplace(tree: Path, *, only: Sequence[str] | None = None) -> Iterator[Workplace]:
    """A copy of a tree, or of some of its files and the settings of tools beside them, gone afterwards.

    Raises: UserError for one that is too large to copy.
    """
    with TemporaryDirectory(prefix="bloomery-validating-", ignore_cleanup_errors=True) as name:
        made = Workplace(Path(name).resolve())
        made.beside.mkdir()
        if only is None:
            _check_size(tree)
            shutil.copytree(tree, made.tree, ignore=shutil.ignore_patterns(*LEFT_OUT), symlinks=True)
        else:
            _copy_some(tree, made.tree, only)
        yield made


def _check_size(tree: Path) -> None:
    size = sum(one.stat().st_size for one in tree.rglob("*") if one.is_file() and not one.is_symlink())
    if size > MOST_BYTES:
        raise UserError(
            f"{tree}: {size // MIB} MiB to copy into the sandbox, more than {MOST_BYTES // MIB}; "
            "name a smaller root"
        )


def _copy_some(tree: Path, to: Path, files: Sequence[str]) -> None:
    to.mkdir()
    folders = {parent for path in files for parent in Path(path).parents}
    settings = [str(folder / name) for folder in folders for name in SETTINGS]
    for path in (*files, *settings):
        if (tree / path).is_file() and not (tree / path).is_symlink():
            (to / path).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(tree / path, to / path)
