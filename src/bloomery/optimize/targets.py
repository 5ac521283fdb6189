"""What a user named, as a task: files of one repository, tests that reach them, what speaks against it."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from bloomery.core.errors import MissingFile, UserError
from bloomery.optimize.changes.access import check_path
from bloomery.optimize.changes.repository import Repository
from bloomery.optimize.proposal import Goal
from bloomery.optimize.task import OptimizationTask
from bloomery.source.modules import reached, source_roots
from bloomery.source.python import NotPython, parse

MOST_TOLD = 5


@dataclass(frozen=True)
class Named:
    """A task with what has to be said about it before it begins."""

    task: OptimizationTask
    notes: tuple[str, ...] = ()


def named(paths: Sequence[Path], goal: Goal, *, tests: Sequence[Path] = (), **said: Any) -> Named:
    """The task of what a user typed: files, or folders whose Python files are meant; relative to here.

    Raises: UserError for what lies outside the repository, is not tracked, or is no Python source.
    """
    if not paths:
        raise UserError("nothing is named: give a file or a folder of the repository")
    repository = Repository.open(_there(paths[0]))
    within = [_within(repository, path) for path in paths]
    tracked = _tracked(repository)
    files, notes = _files(repository, within, tracked)
    chosen = [_within(repository, path) for path in tests]
    task = OptimizationTask(
        root=repository.root, paths=tuple(files), goal=goal, tests=tuple(dict.fromkeys(chosen)), **said
    )
    return Named(task, tuple(notes))


def checked(repository: Repository, task: OptimizationTask, workspace: Path) -> Named:
    """The task with the tests that it is judged by, after everything that can be wrong with it was looked at.

    Raises: UserError for a tree with changes that are not committed, and as `named`.
    """
    if not task.paths:
        raise UserError("a task without files: name one")
    _keep_out_of_git(workspace)
    notes = list(_uncommitted(repository, workspace))
    tracked = _tracked(repository)
    for path in task.paths:
        check_path(path)
        _readable(repository, path, tracked)
    for test in task.tests:
        if not (repository.root / test.partition("::")[0]).exists():
            raise MissingFile(f"{test}: there is no such file with tests in {repository.root}")
    tests, told = (task.tests, "") if task.tests else _tests_of(repository, task.paths, tracked)
    return Named(replace(task, tests=tests), (*notes, *filter(None, [told])))


def _keep_out_of_git(workspace: Path) -> None:
    """As caches do: a workspace in a repository is nothing to commit."""
    ignored = workspace / ".gitignore"
    if not ignored.exists():
        ignored.write_text("*\n")


def is_test(path: str) -> bool:
    name = path.rpartition("/")[2]
    return name.endswith(".py") and (name.startswith("test_") or name.endswith("_test.py"))


def _there(path: Path) -> Path:
    if not path.exists():
        raise MissingFile(f"{path} does not exist; name a file or a folder of a repository")
    return path


def _within(repository: Repository, path: Path) -> str:
    file, colons, name = str(path).partition("::")
    whole = _there(Path(file)).resolve()
    root = repository.root.resolve()
    if not whole.is_relative_to(root):
        raise UserError(f"{path} lies outside of the repository {root}: name files inside it")
    return whole.relative_to(root).as_posix() + colons + name


def _tracked(repository: Repository) -> list[str]:
    return [path for path in repository.git("ls-files", "-z").decode().split("\0") if path]


def _files(
    repository: Repository, within: Sequence[str], tracked: Sequence[str]
) -> tuple[list[str], list[str]]:
    """The Python files that are meant; those of a folder that cannot be read are left out, and told."""
    found: dict[str, None] = {}
    notes = []
    for path in within:
        if not (repository.root / path).is_dir():
            _readable(repository, path, tracked)
            found[path] = None
            continue
        inside = [one for one in tracked if path == "." or one.startswith(f"{path}/")]
        python = [one for one in inside if one.endswith(".py") and not is_test(one)]
        for one in python:
            try:
                _readable(repository, one, tracked)
            except UserError as error:
                notes.append(f"left out: {error}")
            else:
                found[one] = None
        if not python:
            raise UserError(f"{path}: git tracks no Python file there that is no test; name another folder")
    return list(found), notes


def _readable(repository: Repository, path: str, tracked: Sequence[str]) -> None:
    file = repository.root / path
    if not file.is_file() or file.is_symlink():
        raise MissingFile(f"{path}: no plain file of {repository.root}")
    if b"\0" in file.read_bytes()[:8192]:
        raise UserError(f"{path} is a binary file: only Python source is optimized")
    if not path.endswith(".py"):
        raise UserError(f"{path} is no Python file: only Python source is optimized")
    try:
        parse(file)
    except NotPython as error:
        raise UserError(f"{path}:{error.line}: it does not parse ({error.why}); mend that first") from error
    if path not in tracked:
        raise UserError(f"{path} is not tracked by git: add and commit it, so that a patch has a base")


def _uncommitted(repository: Repository, workspace: Path) -> Iterator[str]:
    """What is not committed and not tracked. Raises: UserError for changes of what is tracked."""
    said = repository.git("status", "--porcelain=v1", "-z", "--untracked-files=normal", "--no-renames")
    rows = [row for row in said.decode(errors="replace").split("\0") if row]
    changed = [row[3:] for row in rows if not row.startswith("??")]
    if changed:
        raise UserError(
            f"{repository.root} has changes that are not committed ({_some(changed)}): commit or stash them, "
            "so that patches have a base"
        )
    new = [row[3:] for row in rows if row.startswith("??")]
    other = [one for one in new if not workspace.is_relative_to(repository.root / one.rstrip("/"))]
    if other:
        yield f"not tracked by git, so not seen: {_some(other)}"


def _tests_of(
    repository: Repository, paths: Iterable[str], tracked: Sequence[str]
) -> tuple[tuple[str, ...], str]:
    """The test files that import the targets, directly if there are such, else through others."""
    tests = [path for path in tracked if is_test(path) and (repository.root / path).is_file()]
    if not tests:
        return (), "no test file is there: candidates are judged by comparing them with the original alone"
    roots = source_roots(repository.root)
    wanted = {(repository.root / path).resolve() for path in paths}
    known: dict[Path, frozenset[Path]] = {}
    reach = {test: reached([repository.root / test], roots, known) & wanted for test in tests}
    direct = [test for test in tests if known.get((repository.root / test).resolve(), frozenset()) & wanted]
    chosen = direct or [test for test in tests if reach[test]]
    if not chosen:
        return (), f"none of {len(tests)} test files imports the target: name those that count by --tests"
    how = "import it" if direct else "reach it through other modules"
    return tuple(chosen), f"{len(chosen)} of {len(tests)} test files were chosen, since they {how}"


def _some(names: Sequence[str]) -> str:
    more = f" and {len(names) - MOST_TOLD} more" if len(names) > MOST_TOLD else ""
    return ", ".join(names[:MOST_TOLD]) + more
