"""A git repository with a working tree, spoken to by git itself, whatever its owner's settings are."""

import os
import re
import subprocess
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Self

from bloomery.core.errors import CapabilityMissing, Failure, UserError
from bloomery.core.tokens import mask

LEAST_GIT = (2, 32)  # the first that merges three-way in an index alone
Blob = tuple[str, str]  # mode and object id, as in git's index
_SETTINGS = (  # what a user or a repository may have set, and what would change or run something here
    *("core.hooksPath=/dev/null", "core.fsmonitor=false", "core.quotePath=true", "core.splitIndex=false"),
    *("apply.whitespace=nowarn", "apply.ignoreWhitespace=no", "diff.suppressBlankEmpty=false"),
    *("gc.auto=0", "maintenance.auto=false", "advice.detachedHead=false", "submodule.recurse=false"),
    *("core.editor=false", "commit.gpgSign=false"),
)
_DROPPED = {  # variables by which git would work somewhere else, or differently
    *("GIT_DIR", "GIT_WORK_TREE", "GIT_INDEX_FILE", "GIT_COMMON_DIR", "GIT_PREFIX", "GIT_NAMESPACE"),
    *("GIT_OBJECT_DIRECTORY", "GIT_ALTERNATE_OBJECT_DIRECTORIES", "GIT_CONFIG", "GIT_CONFIG_PARAMETERS"),
    *("GIT_CONFIG_COUNT", "GIT_EXTERNAL_DIFF", "GIT_DIFF_OPTS", "GIT_GLOB_PATHSPECS", "GIT_ICASE_PATHSPECS"),
    *("GIT_TRACE", "GIT_REDIRECT_STDOUT", "GIT_QUARANTINE_PATH", "GIT_GRAFT_FILE", "GIT_SHALLOW_FILE"),
}
_WANTED = {
    **{"LC_ALL": "C", "GIT_TERMINAL_PROMPT": "0", "GIT_OPTIONAL_LOCKS": "0", "GIT_LITERAL_PATHSPECS": "1"},
    "GIT_NO_LAZY_FETCH": "1",
}


@dataclass(frozen=True)
class Answer:
    """What git said."""

    code: int
    out: bytes
    said: str


@dataclass(frozen=True)
class Repository:
    """The working tree at `root`; `git_dir` is its own git folder, `common` that of all its trees."""

    root: Path
    git_dir: Path
    common: Path

    @classmethod
    def open(cls, path: Path | str = ".") -> Self:
        """The repository that `path` (a folder, or a file) lies in.

        Raises: UserError where there is none, a bare one, or one without a commit.
        """
        _check_version()
        folder = _folder(Path(path))
        asked = _git(folder, "rev-parse", "--is-bare-repository", "--is-inside-work-tree")
        if asked.code:
            if "not a git repository" not in asked.said:
                raise UserError(f"git cannot use {folder}: {asked.said}")
            raise UserError(f"{folder} is not in a git repository: run `git init` there and commit once")
        if asked.out.split() != [b"false", b"true"]:
            raise UserError(f"{folder} has no working tree (a bare repository): clone it first")
        words = ("--path-format=absolute", "--show-toplevel", "--absolute-git-dir", "--git-common-dir")
        root, git_dir, common = _git(folder, "rev-parse", *words).out.decode().splitlines()
        found = cls(Path(root), Path(git_dir), Path(common))
        found.object("HEAD^{commit}", "it has no commit yet: commit once, then try again")
        return found

    def git(
        self,
        *words: str,
        stdin: bytes = b"",
        index: Path | None = None,
    ) -> bytes:
        """What git prints. Raises: Failure when git refuses."""
        answer = self.ask(*words, stdin=stdin, index=index)
        if answer.code:
            raise Failure(f"git {words[0]} in {self.root} failed: {answer.said}")
        return answer.out

    def ask(
        self,
        *words: str,
        stdin: bytes = b"",
        index: Path | None = None,
        keep_open: Sequence[int] = (),
    ) -> Answer:
        """What git prints, and whether it refused; `index` is used in place of the repository's own."""
        extra = {"GIT_INDEX_FILE": str(index)} if index else {}
        return _git(self.root, *words, stdin=stdin, extra=extra, keep_open=keep_open)

    def object(self, name: str, otherwise: str) -> str:
        """The id of what `name` means. Raises: UserError that ends with `otherwise`."""
        answer = self.ask("rev-parse", "--verify", "--quiet", "--end-of-options", name)
        if answer.code:
            raise UserError(f"{self.root} has no {name}: {otherwise}")
        return answer.out.decode().strip()

    def branch(self) -> str | None:
        """The branch that is checked out; None for a detached HEAD."""
        answer = self.ask("symbolic-ref", "--quiet", "--short", "HEAD")
        return answer.out.decode().strip() if answer.code == 0 else None

    def missing(self, blobs: Iterable[str]) -> list[str]:
        """Those objects that are not in the repository."""
        names = "\n".join(blobs)
        lines = self.git("cat-file", "--batch-check", stdin=f"{names}\n".encode()).decode().splitlines()
        return [line.split()[0] for line in lines if line.endswith(" missing")] if names else []

    def staged(self, paths: Iterable[str], index: Path | None = None) -> dict[str, Blob]:
        """The index's entries of these paths. Raises: UserError where a merge was left unfinished."""
        lines = self.git("ls-files", "--stage", "-z", "--", *paths, index=index).decode().split("\0")
        found = {}
        for line in filter(None, lines):
            facts, path = line.split("\t", 1)
            mode, blob, stage = facts.split()
            if stage != "0":
                raise UserError(f"{path} has a conflict that is not resolved: finish the merge first")
            found[path] = (mode, blob)
        return found

    def listed(self, tree: str, paths: Iterable[str]) -> dict[str, Blob]:
        """A tree's entries of these paths, folders and submodules too."""
        by_depth: dict[int, list[str]] = {}
        for path in paths:  # asked for a folder and for something in it, git shows all that the folder holds
            by_depth.setdefault(path.count("/"), []).append(path)
        said = (self.git("ls-tree", "--full-tree", "-z", tree, "--", *some) for some in by_depth.values())
        lines = [line for one in said for line in one.decode().split("\0") if line]
        rows = [line.split("\t", 1) for line in lines]
        return {path: (facts.split()[0], facts.split()[2]) for facts, path in rows}

    def set_entries(self, index: Path, entries: Mapping[str, Blob | None]) -> None:
        """Put entries into an index file; None removes one."""
        nothing = ("0", "0" * 40)
        rows = (f"{' '.join(entry or nothing)}\t{path}\0" for path, entry in entries.items())
        self.git("update-index", "-z", "--index-info", stdin="".join(rows).encode(), index=index)


@cache
def _check_version() -> None:
    said = _git(Path.cwd(), "version").out.decode()
    found = re.search(r"(\d+)\.(\d+)", said)
    if found is None or (int(found[1]), int(found[2])) < LEAST_GIT:
        raise CapabilityMissing(f"git 2.32 or newer is needed, this is {said.strip()}: install a newer one")


def _folder(path: Path) -> Path:
    folder = path.absolute()
    if folder.is_file():
        folder = folder.parent
    if not folder.is_dir():
        raise UserError(f"{path} does not exist; name a folder of a git repository")
    return folder


def _git(
    folder: Path,
    *words: str,
    stdin: bytes = b"",
    extra: Mapping[str, str] | None = None,
    keep_open: Sequence[int] = (),
) -> Answer:
    kept = {name: value for name, value in os.environ.items() if name not in _DROPPED}
    settings = [word for setting in _SETTINGS for word in ("-c", setting)]
    try:
        done = subprocess.run(
            ["git", *settings, *words],
            cwd=folder,
            env={**kept, **_WANTED, **(extra or {})},
            input=stdin,
            capture_output=True,
            pass_fds=keep_open,
            check=False,
        )
    except FileNotFoundError:
        raise CapabilityMissing("git is not installed: install it, then try again") from None
    said = mask(done.stderr.decode(errors="replace").strip())
    return Answer(done.returncode, done.stdout, said or f"it ended with {done.returncode}")
