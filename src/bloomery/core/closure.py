"""The version of a function's code: one hash over everything of ours that it imports.

The closure is found without importing anything: from the file that defines the function, every import
statement is followed, also those inside functions, through sources that are ours; a third-party package
counts with its installed version (or as absent), and Python with its minor version.

What does not count: comments, layout, docstrings (unless a source in the closure reads `__doc__`), whatever
stands under `if TYPE_CHECKING`. What is not seen: modules named at run time, and what the `__init__` of a
package imports when the package is only passed through (`from package import module`, `package.module`);
its own text counts. Of data files those count that a source names, by their path from its own folder, in a
string; others are to be passed in as inputs.
"""

import functools
import hashlib
import importlib
import importlib.util
import sys
import sysconfig
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, fields, is_dataclass
from importlib.machinery import ModuleSpec, PathFinder
from pathlib import Path
from types import CellType
from typing import Any, NamedTuple

from bloomery.core.errors import Failure
from bloomery.core.packages import package_version
from bloomery.core.parsed import read, whole

_PYTHON = f"{sys.implementation.name} {sys.version_info.major}.{sys.version_info.minor}"
_STDLIB = sysconfig.get_paths()["stdlib"]
_THIRD_PARTY = {"site-packages", "dist-packages"}
_ALWAYS_OURS = frozenset({__name__.partition(".")[0]})


@dataclass(frozen=True)
class Closure:
    """Sources of ours by module name, versions of third-party packages by import name."""

    sources: Mapping[str, Path]
    packages: Mapping[str, str]

    @property
    def version(self) -> str:
        """The hash of the closure; neither paths nor the machine enter it."""
        documented = any(read(path).reads_docstrings for path in self.sources.values())
        digest = hashlib.sha256(_PYTHON.encode())
        for name, path in sorted(self.sources.items()):
            digest.update(f"\n{name} {whole(path) if documented else read(path).bare}".encode())
        for name, version in sorted(self.packages.items()):
            digest.update(f"\n{name}=={version}".encode())
        return digest.hexdigest()


def code_version(function: Callable[..., Any]) -> str:
    """The hash of the import closure of `function`.

    Sources are read once per process: what a process runs is what it loaded, not what was edited since.
    """
    return import_closure(function).version


def import_closure(function: Callable[..., Any]) -> Closure:
    """What `function` can reach by imports; of a partial or a closure also what is bound into it.

    Raises: Failure for a function that no file defines.
    """
    homes = [home for item in _callables(function) if (home := _home(item)) is not None]
    ours = _ALWAYS_OURS | {home.name.partition(".")[0] for home in homes[:1]}
    sources: dict[str, Path] = {}
    packages: dict[str, str] = {}
    followed: set[str] = set()
    waiting = [_Module(home.name, home.path if _is_ours(home, ours) else None, True) for home in homes]
    while waiting:
        module = waiting.pop()
        if module.path is None:
            package = module.name.partition(".")[0]
            if package not in sys.stdlib_module_names:
                packages[package] = package_version(package)
            continue
        sources[module.name] = module.path
        for name in read(module.path).data_files:
            sources[f"{module.name}: {name}"] = module.path.parent / name
        if module.follow and module.name not in followed:
            followed.add(module.name)
            waiting.extend(_imports(module.name, module.path, ours))
    return Closure(sources, packages)


def reread_sources() -> None:
    """Forget what was read: only for a process that also reloads what it has imported."""
    for cached in (read, whole, _imports, _find, package_version):
        cached.cache_clear()


@dataclass(frozen=True)
class Deferred:
    """A function by name: it is imported when it is called, and its code has a version without that.

    For step functions whose modules are slow to import: a step that is remembered never pays for them.
    """

    module: str
    name: str

    def __call__(self, *arguments: Any) -> Any:
        return getattr(importlib.import_module(self.module), self.name)(*arguments)


class _Module(NamedTuple):
    name: str
    path: Path | None  # None: not ours
    follow: bool


class _Home(NamedTuple):
    name: str
    path: Path


@functools.cache
def _imports(name: str, path: Path, ours: frozenset[str]) -> tuple[_Module, ...]:
    return tuple(dict.fromkeys(_imported(name, path, ours)))


def _imported(name: str, path: Path, ours: frozenset[str]) -> Iterator[_Module]:
    package = name if path.stem == "__init__" else name.rpartition(".")[0]
    for module, level, names in read(path).wanted:
        if level:
            parent = package.rsplit(".", level - 1)[0] if level > 1 else package
            module = f"{parent}.{module}" if module else parent
        if not names:
            yield from _resolve(module, ours)
        for wanted in names:
            yield from _resolve(f"{module}.{wanted}", ours)


def _resolve(name: str, ours: frozenset[str]) -> Iterator[_Module]:
    """The modules that importing `name` runs; a tail of `name` that is no module is taken as an attribute."""
    if name.partition(".")[0] in sys.stdlib_module_names:
        return
    parts = name.split(".")
    found: list[tuple[str, ModuleSpec]] = []
    for end in range(1, len(parts) + 1):
        spec = _find(".".join(parts[:end]))
        if spec is None:
            break
        found.append((".".join(parts[:end]), spec))
        if not _spec_is_ours(spec, ours):
            break
    if not found or not _spec_is_ours(found[0][1], ours):
        yield _Module(parts[0], None, False)
        return
    for module, spec in found:
        if spec.has_location and spec.origin:
            yield _Module(module, Path(spec.origin), module == found[-1][0])


@functools.cache
def _find(name: str) -> ModuleSpec | None:
    """Where a module would come from, without importing its parents."""
    parent, _, _ = name.rpartition(".")
    if not parent:
        loaded = sys.modules.get(name)
        if loaded is not None:
            return getattr(loaded, "__spec__", None)
        try:
            return importlib.util.find_spec(name)
        except (ImportError, ValueError):
            return None
    above = _find(parent)
    if above is None or above.submodule_search_locations is None:
        return None
    return PathFinder.find_spec(name, list(above.submodule_search_locations))


def _spec_is_ours(spec: ModuleSpec, ours: frozenset[str]) -> bool:
    located = [spec.origin] if spec.has_location and spec.origin else spec.submodule_search_locations
    return any(_is_ours(_Home(spec.name, Path(place)), ours) for place in located or ())


def _is_ours(home: _Home, ours: frozenset[str]) -> bool:
    if home.name.partition(".")[0] in ours:
        return True
    return not _THIRD_PARTY & set(home.path.parts)


def _callables(bound: Any) -> list[Any]:
    """The function itself, then every function and type of an object that is bound into it."""
    seen: dict[int, Any] = {}
    waiting: list[Any] = [bound]
    found: list[Any] = []
    while waiting:
        item = waiting.pop(0)
        if id(item) in seen:
            continue
        seen[id(item)] = item
        if hasattr(item, "__code__") or isinstance(item, type | Deferred):
            found.append(item)
        elif callable(item) and not isinstance(item, functools.partial) and not hasattr(item, "__func__"):
            found.append(type(item))
        waiting.extend(_bound_into(item))
    return found


def _bound_into(item: Any) -> Iterable[Any]:
    if isinstance(item, Deferred):
        return []
    if isinstance(item, functools.partial):
        return [item.func, *item.args, *item.keywords.values()]
    if hasattr(item, "__func__"):
        return [item.__func__, type(item.__self__), item.__self__]
    if hasattr(item, "__code__"):
        cells = [cell.cell_contents for cell in item.__closure__ or () if cell != CellType()]
        return [*cells, *([item.__wrapped__] if hasattr(item, "__wrapped__") else [])]
    if isinstance(item, Mapping):
        return list(item.values())
    if isinstance(item, list | tuple):
        return list(item)
    if is_dataclass(item) and not isinstance(item, type):
        return [type(item), *(getattr(item, field.name) for field in fields(item))]
    return []


def _home(item: Any) -> _Home | None:
    """The module that defines a function or type, by its real name where it was started as a script;
    None for what comes with Python."""
    if isinstance(item, Deferred):
        spec = _find(item.module)
        if spec is None or spec.origin is None:
            raise Failure(f"there is no module {item.module} to take {item.name} from")
        return _Home(item.module, Path(spec.origin))
    module = sys.modules.get(item.__module__)
    path = getattr(module, "__file__", None)
    if path is None and item.__module__ in sys.stdlib_module_names:
        return None
    if path is None:
        raise Failure(
            f"{item.__qualname__} is defined in no file, so its code has no version: move it to one"
        )
    if Path(path).is_relative_to(_STDLIB) and not _THIRD_PARTY & set(Path(path).parts):
        return None
    if item.__module__ != "__main__":
        return _Home(item.__module__, Path(path))
    spec = getattr(module, "__spec__", None)
    return _Home(spec.name if spec else Path(path).stem, Path(path))
