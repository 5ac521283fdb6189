"""Which files decide what is found out about others: tests, and the settings of tools."""

from collections.abc import Sequence
from fnmatch import fnmatch
from pathlib import Path, PurePosixPath

from bloomery.optimize.validating.options import listed
from bloomery.source.modules import pytest_options

SETTINGS = frozenset({
    "pyproject.toml", "pytest.toml", ".pytest.toml", "pytest.ini", ".pytest.ini", "tox.ini", "setup.cfg",
    "mypy.ini", ".mypy.ini", "ruff.toml", ".ruff.toml", ".coveragerc", ".bandit",
})  # fmt: skip
EVERY_FILE = ("*", "*.py")


def is_judge(path: str, tests: Sequence[str] = (), patterns: Sequence[str] = ()) -> bool:
    """`tests`: files and folders that are named as tests; `patterns`: what a project calls such files."""
    pure = PurePosixPath(path)
    named = any(pure.is_relative_to(one.partition("::")[0]) for one in tests if one not in (".", ""))
    tested = pure.name.startswith("test_") or pure.stem.endswith("_test") or pure.name == "conftest.py"
    called = any(fnmatch(pure.name, one) for one in patterns)
    return (
        named
        or called
        or (tested and pure.suffix == ".py")
        or pure.name in SETTINGS
        or "tests" in pure.parts[:-1]
    )


def patterns_of(tree: Path) -> tuple[str, ...]:
    """What pytest's settings call the files of tests; one that means every file says nothing."""
    return tuple(one for one in listed(pytest_options(tree).get("python_files", [])) if one not in EVERY_FILE)
