"""What a range of revisions changed: each file's text before and after."""

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path, PurePosixPath

from bloomery.core.errors import UserError
from bloomery.optimize.changes.repository import Repository
from bloomery.source.diff import make
from bloomery.source.python import NotPython, Parsed, parse_text

MOST_BYTES = 2 * 2**20  # of a file that is reviewed
MOST_FILES = 2_000
_PLAIN = {"100644", "100755"}
_NOT_THERE = "000000"


@dataclass(frozen=True)
class Changed:
    """One file's text on both sides, None where it is not there; `was`: its path before."""

    path: str
    before: str | None
    after: str | None
    was: str

    @cached_property
    def lines(self) -> frozenset[int]:
        """The lines of the text after that are new or changed."""
        if self.after is None:
            return frozenset()
        before = {} if self.before is None else {self.path: self.before}
        files = make(before, {self.path: self.after}).files
        return frozenset(
            line for file in files for span in file.after_spans for line in range(span.first, span.stop)
        )

    @property
    def is_python(self) -> bool:
        return self.path.endswith((".py", ".pyi"))

    @property
    def is_test(self) -> bool:
        parts = PurePosixPath(self.path).parts
        return parts[-1].startswith(("test_", "conftest")) or "tests" in parts[:-1]

    @cached_property
    def parsed_before(self) -> Parsed | None:
        return self._parsed(self.before)

    @cached_property
    def parsed_after(self) -> Parsed | None:
        return self._parsed(self.after)

    def _parsed(self, text: str | None) -> Parsed | None:
        """None where it is not there or no Python: the check of syntax says that."""
        try:
            return parse_text(text, Path(self.path)) if text is not None and self.is_python else None
        except NotPython:
            return None


@dataclass(frozen=True)
class Change:
    """`base` and `head` are commits; a `head` of None is the working tree with what git does not ignore.

    `left_out` names what is no text of a bearable size: nothing is said about it.
    """

    repository: Repository
    base: str
    head: str | None
    files: tuple[Changed, ...]
    left_out: tuple[str, ...]

    @property
    def python(self) -> tuple[Changed, ...]:
        return tuple(file for file in self.files if file.is_python)


def changed(folder: Path, revisions: str = "") -> Change:
    """What `A..B`, `A...B` (since they parted), `A` (until the working tree) or nothing (since HEAD) changed.

    Raises: UserError for a folder without a repository, a revision that it lacks, or too many files.
    """
    repository = Repository.open(folder)
    base, head = _sides(repository, revisions.strip())
    rows = [*_rows(repository, base, head), *(_untracked(repository) if head is None else ())]
    if len(rows) > MOST_FILES:
        raise UserError(
            f"{len(rows)} files are changed, at most {MOST_FILES} are reviewed: name a shorter range"
        )
    files, left_out = [], []
    for was, path, modes in rows:
        one = _file(repository, base, head, was, path, modes)
        if isinstance(one, str):
            left_out.append(one)
        else:
            files.append(one)
    return Change(repository, base, head, tuple(files), tuple(left_out))


def _sides(repository: Repository, revisions: str) -> tuple[str, str | None]:
    if "..." in revisions:
        first, _, last = revisions.partition("...")
        one, other = _commit(repository, first), _commit(repository, last)
        return repository.git("merge-base", one, other).decode().strip(), other
    first, dots, last = revisions.partition("..")
    return _commit(repository, first), _commit(repository, last) if dots else None


def _commit(repository: Repository, name: str) -> str:
    name = name or "HEAD"
    if name.startswith("-"):
        raise UserError(f"{name} is no revision; name a branch, a tag or a commit")
    return repository.object(
        f"{name}^{{commit}}", "name a branch, a tag or a commit, as `git log` shows them"
    )


Row = tuple[str, str, tuple[str, str]]  # the path before, the path after, both modes


def _rows(repository: Repository, base: str, head: str | None) -> Iterator[Row]:
    words = (
        "diff",
        "--raw",
        "-z",
        "-M",
        "--no-ext-diff",
        "--abbrev=40",
        base,
        *([head] if head else []),
        "--",
    )
    parts = iter(repository.git(*words).decode("utf-8", "surrogateescape").split("\0"))
    for facts in parts:
        if facts.startswith(":"):
            before, after, _, _, status = facts[1:].split()
            was = next(parts)
            yield was, next(parts) if status[0] in "RC" else was, (before, after)


def _untracked(repository: Repository) -> Iterator[Row]:
    listed = repository.git("ls-files", "--others", "--exclude-standard", "-z")
    for path in filter(None, listed.decode("utf-8", "surrogateescape").split("\0")):
        yield path, path, (_NOT_THERE, "100644")


def _file(
    repository: Repository, base: str, head: str | None, was: str, path: str, modes: tuple[str, str]
) -> Changed | str:
    """Or why nothing is said about it."""
    if not {*modes} <= _PLAIN | {_NOT_THERE}:
        return f"{path}: no file (a link or a submodule)"
    texts: list[str | None] = []
    for name, revision, mode in ((was, base, modes[0]), (path, head, modes[1])):
        data = None if mode == _NOT_THERE else _data(repository, revision, name)
        if data is not None and b"\0" in data:
            return f"{path}: binary"
        if data is not None and len(data) > MOST_BYTES:
            return f"{path}: more than {MOST_BYTES >> 20} MiB"
        try:
            texts.append(None if data is None else data.decode())
        except UnicodeDecodeError:
            return f"{path}: not UTF-8"
    return Changed(path, texts[0], texts[1], was)


def _data(repository: Repository, revision: str | None, path: str) -> bytes | None:
    if revision is not None:
        return repository.git("cat-file", "blob", f"{revision}:{path}")
    file = repository.root / path
    return file.read_bytes() if file.is_file() and not file.is_symlink() else None
