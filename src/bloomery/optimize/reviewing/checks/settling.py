"""Which files a project has mypy check, where its settings name them."""

import tomllib
from collections.abc import Callable
from configparser import ConfigParser, Error
from pathlib import Path, PurePosixPath
from typing import Any

INI_FILES = ("mypy.ini", ".mypy.ini", "setup.cfg")


def settled(root: Path) -> Callable[[str], bool]:
    """Whether a path lies in what `files` names; every path does where nothing is named."""
    named = [one.strip().rstrip("/") for one in _files(root) if one.strip()]

    def is_named(path: str) -> bool:
        one = PurePosixPath(path)
        return not named or any(one.is_relative_to(part) or one.match(part) for part in named)

    return is_named


def _files(root: Path) -> list[str]:
    for name in INI_FILES:
        parser = ConfigParser(interpolation=None)
        try:
            if parser.read(root / name) and parser.has_option("mypy", "files"):
                return parser.get("mypy", "files").split(",")
        except Error:
            continue  # mypy itself will say that it cannot read it
    given = _pyproject(root).get("tool", {}).get("mypy", {}).get("files", [])
    return given.split(",") if isinstance(given, str) else list(given)


def _pyproject(root: Path) -> dict[str, Any]:
    try:
        return tomllib.loads((root / "pyproject.toml").read_text())
    except (OSError, tomllib.TOMLDecodeError):
        return {}
