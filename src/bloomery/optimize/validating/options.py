"""How pytest is called: by the project's own settings, without what would disturb a run of ours."""

import importlib.util
import os
from collections.abc import Sequence
from pathlib import Path

from bloomery.source.modules import pytest_settings

OPTIONS = (
    "-q",
    "--tb=short",
    "--maxfail=0",
    "--continue-on-collection-errors",
    "-p",
    "no:cacheprovider",
    "-p",
    "no:randomly",
)
_OF_PLUGINS = {"xdist": "-n0", "pytest_cov": "--no-cov", "hypothesis": "--hypothesis-seed=0"}


def options(tree: Path, targets: Sequence[str]) -> tuple[list[str], list[str]]:
    """For the tests that `targets` name, with how their functions are called.

    The file of settings is named: pytest looks for one above all that it is given, and a test of ours, which
    lies elsewhere, would keep it from being found. What other plugins would do, or draw by chance, is off.
    """
    file, said = pytest_settings(tree, _above(tree, targets))
    plain = [option for package, option in _OF_PLUGINS.items() if importlib.util.find_spec(package)]
    own = ["-c", str(file)] if file else []
    return [*OPTIONS, f"--rootdir={tree}", *plain, *own], listed(said.get("python_functions", "test"))


def listed(value: object) -> list[str]:
    """A setting that is a list, or a text of several words."""
    return value.split() if isinstance(value, str) else [str(one) for one in value]  # type: ignore[attr-defined]


def _above(tree: Path, targets: Sequence[str]) -> Path:
    """The folder that all of them lie in."""
    paths = [tree / target.partition("::")[0] for target in targets]
    return Path(os.path.commonpath([path if path.is_dir() else path.parent for path in paths]))
