"""A workspace in which the tiny recipe was forged: once for all tests of a process, copied for each."""

import shutil
from collections.abc import Callable, Iterator
from functools import cache
from pathlib import Path
from typing import NamedTuple

import pytest

from bloomery.cli.main import run
from bloomery.core.log import set_level
from bloomery.core.workspace import Workspace

RECIPE = str(Path(__file__).parents[1] / "integration" / "recipes" / "tiny.yaml")


class Said(NamedTuple):
    """What a command said, and its exit code."""

    code: int
    out: str
    err: str


Command = Callable[..., Said]


@cache
def _forge(root: Path) -> Path:
    from bloomery.forge.pipeline import forge, plan

    workspace = Workspace.open(root)
    forge(workspace, plan(RECIPE), engine="inline")  # what starting workers takes is not for every test
    workspace.catalog.close()  # one whole file, that can be copied
    return root


@pytest.fixture(scope="session")
def forged_workspace(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Read it, never change it."""
    set_level("warning")
    base = tmp_path_factory.getbasetemp()
    return _forge(base / "forged")


@pytest.fixture
def workspace(forged_workspace: Path, tmp_path: Path) -> Path:
    """A copy that may be changed."""
    return Path(shutil.copytree(forged_workspace, tmp_path / "workspace"))


@pytest.fixture
def bloomery(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> Iterator[Command]:
    """The command line, in this process: everything but its last line, `sys.exit`."""
    for name in ("COLUMNS", "BLOOMERY_WORKSPACE", "BLOOMERY_CATALOG"):
        monkeypatch.delenv(name, raising=False)

    def command(*arguments: object) -> Said:
        capsys.readouterr()
        code = run([str(argument) for argument in arguments])
        return Said(code, *capsys.readouterr())

    yield command
    set_level("info")
