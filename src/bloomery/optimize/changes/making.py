"""Making a patch: the change of a tree, written down by git in one form."""

import re
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from bloomery.core.errors import UserError
from bloomery.optimize.changes.access import check_path
from bloomery.optimize.changes.patch import Base, Content, check_content, secrets_added
from bloomery.optimize.changes.repository import Blob, Repository

Texts = Mapping[str, str | None]
_DIFF = (  # one form, whatever is configured
    *("diff-tree", "-r", "-p", "--full-index", "--no-renames", "--text", "--no-ext-diff", "--no-textconv"),
    *("--unified=3", "--inter-hunk-context=0", "--diff-algorithm=myers", "--indent-heuristic", "--no-color"),
    *("--src-prefix=a/", "--dst-prefix=b/", "--no-relative", "-O/dev/null", "--submodule=short"),
)


@dataclass(frozen=True)
class Made:
    """A patch's content, and the tree that it leads to."""

    content: Content
    tree: str


def from_texts(repository: Repository, tree: str, texts: Texts) -> Made:
    """The change that gives these files these texts (None: removes the file).

    Raises: UserError for an empty change, a path outside, through a link or into a submodule, a binary file.
    """
    before = _plain_files(repository, tree, texts)
    with tempfile.TemporaryDirectory() as folder:
        index = _index(repository, tree, Path(folder))
        entries = {path: _entry(repository, path, text, before.get(path)) for path, text in texts.items()}
        for path, entry in entries.items():
            if entry is None and path not in before:
                raise UserError(f"{path} is to be removed and is not there")
        repository.set_entries(index, entries)
        return _between(repository, tree, _tree(repository, index))


def from_diff(repository: Repository, tree: str, diff: str) -> Made:
    """The change that a diff in git's form, or in that of `diff -u`, makes to a tree.

    Raises: UserError for a diff that does not apply to it, and as `from_texts`.
    """
    if not diff.strip():
        raise UserError("the patch is empty: it changes no file")
    data = diff.encode()
    _plain_files(repository, tree, touched(repository, data))
    with tempfile.TemporaryDirectory() as folder:
        index = _index(repository, tree, Path(folder))
        answer = repository.ask("apply", "--cached", "-", stdin=data, index=index)
        if answer.code:
            raise UserError(f"the diff does not apply to its base: {_first_line(answer.said)}")
        return _between(repository, tree, _tree(repository, index))


def after(repository: Repository, tree: str, contents: Sequence[Content]) -> str:
    """The tree that a tree becomes by these patches, one after another, merged three-way.

    Raises: UserError where they do not merge.
    """
    with tempfile.TemporaryDirectory() as folder:
        index = _index(repository, tree, Path(folder))
        for content in contents:
            diff = content.diff.encode()
            answer = repository.ask("apply", "--3way", "--cached", "-", stdin=diff, index=index)
            if answer.code:
                raise UserError(f"the parent {content.cid} does not merge: {_first_line(answer.said)}")
        return _tree(repository, index)


def _between(repository: Repository, old: str, new: str) -> Made:
    raw = repository.git(*_DIFF, old, new)
    if not raw:
        raise UserError("the patch is empty: the files are as they were")
    try:
        diff = raw.decode()
    except UnicodeDecodeError:
        kind = "binary" if b"\0" in raw else "not UTF-8"
        raise UserError(f"the patch changes a file that is {kind}; only text in UTF-8 is patched") from None
    listed = repository.git("diff-tree", "-r", "-z", "--no-renames", old, new).decode().split("\0")
    blobs = {path: _old_blob(facts) for facts, path in zip(listed[::2], listed[1::2], strict=False)}
    content = Content(diff, Base(old, blobs))
    check_content(content)
    check_adds_no_secret(content)
    return Made(content, new)


def check_adds_no_secret(content: Content) -> None:
    """Raises: UserError that says where, and never what."""
    for line, kind in secrets_added(content.diff):
        raise UserError(
            f"the patch adds a {kind} (line {line} of its diff): read it from the environment instead, "
            "and revoke it if it was real"
        )


def _old_blob(facts: str) -> str | None:
    blob = facts.split()[2]
    return None if set(blob) == {"0"} else blob


def _plain_files(repository: Repository, tree: str, paths: Mapping[str, object]) -> dict[str, Blob]:
    """The tree's entries of these paths. Raises: UserError where one is no plain file, or lies in none."""
    parents: dict[str, str] = {}
    for path in paths:
        check_path(path)
        parents |= {str(folder): path for folder in PurePosixPath(path).parents if str(folder) != "."}
    entries = repository.listed(tree, [*paths, *parents]) if paths else {}
    for name, (mode, _) in entries.items():
        path = parents.get(name, name)
        wanted = "040000" if name in parents else "100"
        if not mode.startswith(wanted):
            raise UserError(f"{path} cannot be patched: {name} is {_KINDS.get(mode, 'a file')}")
    return {path: entries[path] for path in paths if path in entries}


_KINDS = {"120000": "a symbolic link", "160000": "a submodule", "040000": "a folder"}


def _entry(repository: Repository, path: str, text: str | None, before: Blob | None) -> Blob | None:
    if text is None:
        return None
    data = text.encode()
    if before and b"\r\n" not in data and _has_dos_lines(repository.git("cat-file", "blob", before[1])):
        data = data.replace(b"\n", b"\r\n")  # whoever reads text in Python loses the \r
    blob = repository.git("hash-object", "-w", "--stdin", f"--path={path}", stdin=data).decode().strip()
    return (before[0] if before else "100644", blob)


def _has_dos_lines(data: bytes) -> bool:
    return 0 < data.count(b"\n") == data.count(b"\r\n")


def touched(repository: Repository, diff: bytes) -> dict[str, None]:
    """The paths that git finds in a diff, old names too."""
    answer = repository.ask("apply", "--numstat", "-z", "-", stdin=diff)
    if answer.code:
        raise UserError(f"this is no diff that git can read: {_first_line(answer.said)}")
    old = re.findall(rb"^(?:rename|copy) from (.+)$", diff, re.MULTILINE)
    found = [name.decode(errors="replace") for name in old]
    for row in filter(None, answer.out.decode(errors="replace").split("\0")):
        added, _, path = row.split("\t")
        if added == "-":
            raise UserError(f"the patch changes a binary file ({path}); only text is patched")
        found.append(path)
    return dict.fromkeys(found)


def _index(repository: Repository, tree: str, folder: Path) -> Path:
    repository.git("read-tree", tree, index=folder / "index")
    return folder / "index"


def _tree(repository: Repository, index: Path) -> str:
    return repository.git("write-tree", index=index).decode().strip()


def _first_line(said: str) -> str:
    return said.splitlines()[0].removeprefix("error: ")


def from_folder(repository: Repository, tree: str, folder: Path) -> Made:
    """The change that was made in a worktree of the repository, what git ignores left out.

    Raises: UserError as `from_texts`, and for a folder of another repository.
    """
    worktree = Repository.open(folder)
    if worktree.common != repository.common:
        raise UserError(f"{folder} is no worktree of {repository.root}")
    with tempfile.TemporaryDirectory() as scratch:
        index = _index(worktree, tree, Path(scratch))
        worktree.git("add", "--all", "--", ".", index=index)
        new = _tree(worktree, index)
    return _between(repository, tree, new)
