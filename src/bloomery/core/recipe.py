"""Recipes: YAML files that extend one another, dotted overrides, and where each value came from.

The YAML that is read is the 1.2 core schema (`no` is a word, `1e-3` and `10_000` are numbers, `1:30` is
a word), without aliases or merge keys: `extends` does their work, and a file cannot blow up when it is read.
"""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from bloomery.core.errors import ConfigError, MissingFile, UnknownName

OVERRIDE = "--set"
DEFAULT = "default"
SUFFIXES = (".yaml", ".yml")


@dataclass(frozen=True, kw_only=True)
class Recipe:
    """Values as they take effect, and for each dotted key the `file:line` or `--set` that it came from."""

    values: dict[str, Any]
    origin: dict[str, str]


@dataclass(frozen=True, kw_only=True)
class Setting:
    """One value of a config as `bloomery config show` prints it."""

    key: str
    value: Any
    origin: str


def load_recipe(source: str | Path, overrides: Sequence[str] = ()) -> Recipe:
    """Reads a recipe by path or packaged name, what it extends, and the overrides `a.b=value`, in this order.

    Between files, mappings merge key by key and everything else (lists too) is replaced by what comes later.
    An override replaces what stands at its path.
    """
    recipe = _load_file(find_recipe(source), ())
    for override in overrides:
        _override(recipe, override)
    return recipe


def settings(values: Mapping[str, Any], origin: Mapping[str, str]) -> list[Setting]:
    """Every leaf of a config in plain values, with the nearest origin known for it, else `default`."""
    return [
        Setting(key=key, value=value, origin=origin_of(key, origin)) for key, value in _leaves(values, "")
    ]


def origin_of(key: str, origin: Mapping[str, str]) -> str:
    """Where a key came from: its own origin, else that of the list that holds it, else `default`."""
    while key not in origin:
        key, _, last = key.rpartition(".")
        if not key or not last.isdigit():
            return DEFAULT
    return origin[key]


def recipes() -> dict[str, Path]:
    """The packaged recipes by name, e.g. `forge/quickstart`."""
    folder = _packaged()
    files = [path for suffix in SUFFIXES for path in folder.rglob(f"*{suffix}")]
    return {path.relative_to(folder).with_suffix("").as_posix(): path for path in sorted(files)}


def find_recipe(source: str | Path, beside: Path | None = None) -> Path:
    """The file that a path, or else the name of a packaged recipe, stands for.

    Raises: MissingFile for a path with a suffix, UnknownName for a name.
    """
    path = Path(source).expanduser()
    for folder in [beside or Path(), _packaged()]:
        for suffix in ("", *SUFFIXES):
            candidate = folder / f"{path}{suffix}"
            if candidate.is_file():
                return candidate
    if path.suffix in SUFFIXES or isinstance(source, Path):
        raise MissingFile(f"no recipe at '{source}'; give a YAML file or one of: {', '.join(recipes())}")
    raise UnknownName("recipe", str(source), recipes())


def _packaged() -> Path:
    """`bloomery/configs` in a wheel, `configs` at the root of a checkout."""
    here = Path(__file__).resolve()
    inside = here.parents[1] / "configs"
    return inside if inside.is_dir() else here.parents[3] / "configs"


def _shown(path: Path) -> str:
    """A file's name in messages: from the working folder or from the packaged recipes where it lies there."""
    resolved = path.resolve()
    if resolved.is_relative_to(Path.cwd()):
        return str(resolved.relative_to(Path.cwd()))
    root = _packaged()
    return str(resolved.relative_to(root.parent)) if resolved.is_relative_to(root) else str(path)


def _load_file(path: Path, above: tuple[Path, ...]) -> Recipe:
    path = path.resolve()
    chain = (*above, path)
    if path in above:
        loop = " -> ".join(_shown(step) for step in chain[above.index(path) :])
        raise ConfigError(f"recipes extend one another in a circle: {loop}; remove one 'extends'")
    try:
        text = path.read_text(encoding="utf-8")
    except UnicodeDecodeError as error:
        raise ConfigError(
            f"{_shown(path)}: not UTF-8 text (byte {error.start}); save the recipe as UTF-8"
        ) from error
    own = _parse_mapping(text, _shown(path))
    bases = own.values.pop("extends", [])
    where = own.origin.pop("extends", _shown(path))
    merged = Recipe(values={}, origin={})
    bases = [bases] if isinstance(bases, str) else bases
    if not isinstance(bases, list) or not all(isinstance(base, str) for base in bases):
        raise ConfigError(f"{where}: 'extends' is a path or a list of paths, not {bases!r}; name a recipe")
    for base in bases:
        _merge(merged, _load_file(find_recipe(base, beside=path.parent), chain))
    _merge(merged, own)
    return merged


def _merge(under: Recipe, over: Recipe) -> None:
    """Lays `over` upon `under`, in place."""
    _merge_values(under.values, over.values, under.origin, "")
    under.origin.update(over.origin)


def _merge_values(under: dict[str, Any], over: Mapping[str, Any], origin: dict[str, str], where: str) -> None:
    for key, value in over.items():
        dotted = f"{where}{key}"
        if isinstance(value, dict) and isinstance(under.get(key), dict):
            origin.pop(dotted, None)
            _merge_values(under[key], value, origin, f"{dotted}.")
            continue
        for stale in [known for known in origin if known == dotted or known.startswith(f"{dotted}.")]:
            del origin[stale]
        under[key] = value


def _override(recipe: Recipe, text: str) -> None:
    """Applies one `a.b.c=value`; a number in the path is a place in a list."""
    path, equals, raw = text.partition("=")
    keys = path.strip().split(".")
    if not equals or not all(keys):
        raise ConfigError(f"{OVERRIDE} '{text}' is not of the form key.key=value; e.g. {OVERRIDE} seed=3")
    value, origin = _parse(raw, f"{OVERRIDE} {path}")
    _place(recipe.values, keys, value, text)
    dotted = ".".join(keys)
    for stale in [known for known in recipe.origin if known == dotted or known.startswith(f"{dotted}.")]:
        del recipe.origin[stale]
    for inner in origin:
        recipe.origin[f"{dotted}.{inner}" if inner else dotted] = OVERRIDE


def _place(values: dict[str, Any], keys: Sequence[str], value: Any, text: str) -> None:
    group: Any = values
    for depth, key in enumerate(keys):
        last = depth == len(keys) - 1
        where = ".".join(keys[:depth])
        if isinstance(group, list):
            place = _index(group, key, where, text)
            group[place], group = (value, None) if last else (group[place], group[place])
        elif isinstance(group, dict):
            inner = group.get(key)
            group[key] = value if last else {} if inner is None else inner
            group = group[key]
        else:
            raise ConfigError(
                f"{OVERRIDE} {text}: '{where}' is {group!r}, which has no keys; set '{where}' itself"
            )


def _index(group: list[Any], key: str, where: str, text: str) -> int:
    if not key.isdigit() or int(key) >= len(group):
        raise ConfigError(
            f"{OVERRIDE} {text}: '{where}' is a list of {len(group)}, so '{key}' must be one of its places, "
            f"0 to {len(group) - 1}"
        )
    return int(key)


def _leaves(value: Any, where: str) -> Iterator[tuple[str, Any]]:
    """Dotted keys and values; a list is a leaf unless it holds mappings."""
    if isinstance(value, Mapping) and value:
        parts = value.items()
    elif isinstance(value, list) and any(isinstance(item, Mapping) for item in value):
        parts = dict(enumerate(value)).items()
    else:
        yield where, value
        return
    for key, item in parts:
        yield from _leaves(item, f"{where}.{key}" if where else str(key))


_COLLECTIONS = ("tag:yaml.org,2002:map", "tag:yaml.org,2002:seq")


class _Loader(yaml.SafeLoader):
    """YAML 1.2 core schema, no aliases."""

    yaml_implicit_resolvers: dict[str, list[tuple[str, re.Pattern[str]]]] = {}  # noqa: RUF012 (PyYAML's own)

    def compose_node(self, parent: Any, index: Any) -> Any:
        if self.check_event(yaml.AliasEvent):
            mark = self.peek_event().start_mark
            raise yaml.composer.ComposerError(None, None, "aliases are not accepted; use 'extends'", mark)
        return super().compose_node(parent, index)


for _tag, _pattern, _first in [
    ("null", r"~|null|Null|NULL|", ["~", "n", "N", ""]),
    ("bool", r"true|True|TRUE|false|False|FALSE", list("tTfF")),
    ("int", r"[-+]?[0-9][0-9_]*|0x[0-9a-fA-F]+", list("-+0123456789")),
    (
        "float",
        r"[-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)?|[-+]?\.(inf|Inf|INF)|\.(nan|NaN|NAN)",
        list("-+.0123456789"),
    ),
]:
    _Loader.add_implicit_resolver(f"tag:yaml.org,2002:{_tag}", re.compile(f"^(?:{_pattern})$"), _first)
# PyYAML's own reading of whole numbers is YAML 1.1: 010 would be eight
_Loader.add_constructor(
    "tag:yaml.org,2002:int",
    lambda _, node: int(node.value, 16 if node.value.startswith("0x") else 10),
)


def _parse_mapping(text: str, name: str) -> Recipe:
    value, origin = _parse(text, name)
    if value is None:
        return Recipe(values={}, origin={})
    if not isinstance(value, dict):
        raise ConfigError(f"{name}: a recipe is keys and values, not {type(value).__name__}: {value!r}")
    return Recipe(values=value, origin=origin)


def _parse(text: str, name: str) -> tuple[Any, dict[str, str]]:
    """The value of a YAML text and the origins of its leaves ('' is the value itself)."""
    origin: dict[str, str] = {}
    try:
        loader = _Loader(text)
        try:
            node = loader.get_single_node()
            value = None if node is None else _construct(loader, node, name, "", origin)
        finally:
            loader.dispose()
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        place = f"{name}:{mark.line + 1}" if mark else name
        problem = " ".join(part for part in (error.context, error.problem) if part)
        raise ConfigError(f"{place}: not valid YAML: {problem}") from error
    except (yaml.YAMLError, ValueError) as error:
        raise ConfigError(f"{name}: not valid YAML: {' '.join(str(error).split())}") from error
    except RecursionError as error:
        raise ConfigError(f"{name}: nested too deeply to read") from error
    return value, origin or {"": name}


def _construct(loader: _Loader, node: yaml.Node, name: str, where: str, origin: dict[str, str]) -> Any:
    if isinstance(node, yaml.CollectionNode) and node.tag not in _COLLECTIONS:
        raise yaml.constructor.ConstructorError(
            None, None, f"tag {node.tag} is not accepted", node.start_mark
        )
    if isinstance(node, yaml.MappingNode) and node.value:
        return _construct_mapping(loader, node, name, where, origin)
    origin[where] = f"{name}:{node.start_mark.line + 1}"
    if isinstance(node, yaml.SequenceNode):
        return [
            _construct(loader, item, name, f"{where}.{place}" if where else str(place), origin)
            for place, item in enumerate(node.value)
        ]
    return loader.construct_object(node, deep=True)


def _construct_mapping(
    loader: _Loader, node: yaml.MappingNode, name: str, where: str, origin: dict[str, str]
) -> dict[str, Any]:
    lines: dict[str, int] = {}
    values = {}
    for key_node, value_node in node.value:
        key, line = loader.construct_object(key_node, deep=True), key_node.start_mark.line + 1
        if not isinstance(key, str) or not key or "." in key or key == "<<":
            raise ConfigError(f"{name}:{line}: a key is a word without dots, not {key!r}; rename or quote it")
        if key in lines:
            raise ConfigError(
                f"{name}:{line}: key '{key}' is given twice (first in line {lines[key]}); remove one"
            )
        lines[key] = line
        values[key] = _construct(loader, value_node, name, f"{where}.{key}" if where else key, origin)
    return values
