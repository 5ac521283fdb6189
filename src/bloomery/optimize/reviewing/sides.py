"""Both versions of the whole tree, each in a folder of its own, for what must see more than changed files."""

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

from bloomery.core.errors import UserError
from bloomery.optimize.changes.repository import Repository
from bloomery.optimize.reviewing.change import Change

MOST_BYTES = 500 * 2**20


class Sides:
    """The folders are written when they are first asked for."""

    def __init__(self, change: Change, folder: Path) -> None:
        self._change, self._folder = change, folder

    @property
    def before(self) -> Path:
        return self._written("before", self._change.base)

    @property
    def after(self) -> Path:
        return self._written("after", self._change.head)

    def _written(self, name: str, revision: str | None) -> Path:
        folder = self._folder / name
        if not folder.exists():
            folder.mkdir()
            if revision is None:
                _copy(self._change.repository, folder)
            else:
                _check_out(self._change.repository, revision, folder, self._folder / f"{name}.index")
        return folder


@contextmanager
def sides(change: Change) -> Iterator[Sides]:
    """Both are gone afterwards."""
    with TemporaryDirectory(prefix="bloomery-review-") as name:
        yield Sides(change, Path(name).resolve())


def _check_out(repository: Repository, revision: str, folder: Path, index: Path) -> None:
    repository.git("read-tree", revision, index=index)
    repository.git("checkout-index", "--all", "--quiet", f"--prefix={folder}/", index=index)


def _copy(repository: Repository, folder: Path) -> None:
    listed = repository.git("ls-files", "--cached", "--others", "--exclude-standard", "-z")
    files = {repository.root / name for name in listed.decode("utf-8", "surrogateescape").split("\0") if name}
    kept = [file for file in sorted(files) if file.is_file() and not file.is_symlink()]
    size = sum(file.stat().st_size for file in kept)
    if size > MOST_BYTES:
        raise UserError(
            f"{repository.root}: {size >> 20} MiB of files, more than the {MOST_BYTES >> 20} copied"
        )
    for file in kept:
        to = folder / file.relative_to(repository.root)
        to.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(file, to)
