"""Which module a file is, and which file a module is, without importing anything."""

import ast
import tomllib
from collections.abc import Iterable, Iterator, Sequence
from configparser import ConfigParser, Error
from pathlib import Path
from typing import NamedTuple

from bloomery.core.errors import UserError
from bloomery.source.python import Parsed, parse


class Imported(NamedTuple):
    """What a name of a file stands for: the module's file, and the name in it (empty: the module itself)."""

    path: Path
    name: str


def source_roots(project: Path) -> tuple[Path, ...]:
    """Folders of a project that imports start from: its `src`, what pytest's `pythonpath` names, itself."""
    found = [project / "src", *(project / name for name in _pythonpath(project)), project]
    return tuple(dict.fromkeys(root.resolve() for root in found if root.is_dir()))


def module_name(path: Path, roots: Sequence[Path]) -> str:
    """The dotted name under which `path` is imported: from the longest of `roots` that holds it.

    Raises: UserError for a file outside the roots, or with a part that no import statement can say.
    """
    path = path.resolve()
    holding = [root.resolve() for root in roots if path.is_relative_to(root.resolve())]
    if not holding:
        raise UserError(
            f"{path}: outside of {', '.join(map(str, roots))}: name the folder its imports start from"
        )
    parts = path.relative_to(max(holding, key=lambda root: len(root.parts))).with_suffix("").parts
    parts = parts[:-1] if parts[-1] == "__init__" else parts
    if not parts or not all(part.isidentifier() for part in parts):
        raise UserError(f"{path}: no import statement can name this file as a module")
    return ".".join(parts)


def module_file(name: str, roots: Sequence[Path]) -> Path | None:
    """The source of a module, or None where none of `roots` has it."""
    for root in roots:
        folder = root.joinpath(*name.split("."))
        for path in (folder / "__init__.py", folder.with_name(f"{folder.name}.py")):
            if path.is_file():
                return path
    return None


def imported_names(parsed: Parsed, roots: Sequence[Path]) -> dict[str, Imported]:
    """What the names that the file imports, anywhere in it, stand for, as far as `roots` have it.

    The file's own folder is searched too, as pytest and scripts do.
    """
    searched = (*roots, parsed.path.resolve().parent)
    found: dict[str, Imported] = {}
    for node in ast.walk(parsed.tree):
        if isinstance(node, ast.Import):
            found.update(_whole_modules(node, searched))
        elif isinstance(node, ast.ImportFrom):
            found.update(_names_of_a_module(node, parsed.path, searched))
    return found


def reached(files: Iterable[Path], roots: Sequence[Path], known: dict[Path, frozenset[Path]]) -> set[Path]:
    """The files and all that they import, one through another, as far as `roots` have it.

    `known`: what a file imports, by file, filled here: one for many calls. Not seen: modules that are named
    at run time; a file that does not parse imports nothing.
    """
    found: set[Path] = set()
    waiting = [file.resolve() for file in files]
    while waiting:
        file = waiting.pop()
        if file in found:
            continue
        found.add(file)
        if file not in known:
            known[file] = _imported_files(file, roots)
        waiting += known[file]
    return found


def _imported_files(file: Path, roots: Sequence[Path]) -> frozenset[Path]:
    try:
        names = imported_names(parse(file), roots)
    except UserError:
        return frozenset()
    return frozenset(one.path.resolve() for one in names.values())


def _whole_modules(node: ast.Import, roots: Sequence[Path]) -> Iterator[tuple[str, Imported]]:
    for alias in node.names:
        path = module_file(alias.name, roots)
        if path:
            yield alias.asname or alias.name, Imported(path, "")


def _names_of_a_module(
    node: ast.ImportFrom, importer: Path, roots: Sequence[Path]
) -> Iterator[tuple[str, Imported]]:
    if node.level:
        folder = importer.resolve().parents[node.level - 1]
        roots = (folder,)
    module = node.module or ""
    home = module_file(module, roots) if module else None
    for alias in node.names:
        submodule = module_file(f"{module}.{alias.name}".strip("."), roots)
        if submodule:
            yield alias.asname or alias.name, Imported(submodule, "")
        elif home:
            yield alias.asname or alias.name, Imported(home, alias.name)
        elif node.level and not module and (roots[0] / "__init__.py").is_file():
            yield alias.asname or alias.name, Imported(roots[0] / "__init__.py", alias.name)


PYTEST_FILES = ("pytest.toml", ".pytest.toml", "pytest.ini", ".pytest.ini", "pyproject.toml", "tox.ini",
                "setup.cfg")  # fmt: skip


def pytest_options(project: Path) -> dict[str, object]:
    """pytest's settings of a project; empty where there are none. Raises: UserError for what is no TOML."""
    return pytest_settings(project, project)[1]


def pytest_settings(project: Path, folder: Path) -> tuple[Path | None, dict[str, object]]:
    """The file of settings that pytest finds for tests of a folder of the project, and what it says."""
    for place in (folder, *folder.parents):
        for name in PYTEST_FILES:
            found = _settings_in(place / name)
            if found is not None:
                return place / name, found
        if place == project:
            break
    return None, {}


def _settings_in(file: Path) -> dict[str, object] | None:
    """None where pytest would look for another file."""
    if not file.is_file():
        return None
    if file.suffix == ".toml":
        try:
            tables = tomllib.loads(file.read_text())
        except tomllib.TOMLDecodeError as error:
            raise UserError(f"{file}: not TOML: {error}") from None
        table = (tables.get("tool", {}) if file.name == "pyproject.toml" else tables).get("pytest")
        return None if table is None else dict(table.get("ini_options", table))
    parser = ConfigParser(interpolation=None)
    try:
        parser.read(file)
    except Error as error:
        raise UserError(f"{file}: cannot be read: {error}") from None
    section = "tool:pytest" if file.name == "setup.cfg" else "pytest"
    if parser.has_section(section):
        return dict(parser[section])
    return {} if file.name.endswith("pytest.ini") else None


def _pythonpath(project: Path) -> list[str]:
    given = pytest_options(project).get("pythonpath", [])
    return given.split() if isinstance(given, str) else [str(name) for name in given]  # type: ignore[attr-defined]
