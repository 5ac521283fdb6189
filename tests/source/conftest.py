"""Small projects with planted defects, written for one test module and run once."""

import textwrap
from collections.abc import Callable, Mapping
from pathlib import Path

import pytest

Write = Callable[[Mapping[str, str]], Path]


@pytest.fixture(scope="module")
def write_project(tmp_path_factory: pytest.TempPathFactory) -> Write:
    """Writes files into a fresh folder; with a pyproject.toml, so that pytest looks no further up."""

    def write(files: Mapping[str, str]) -> Path:
        root = tmp_path_factory.mktemp("project")
        settings = '[tool.pytest.ini_options]\npythonpath = ["src"]\nmarkers = ["equation"]\n'
        for name, text in {"pyproject.toml": settings, **files}.items():
            (root / name).parent.mkdir(parents=True, exist_ok=True)
            (root / name).write_text(textwrap.dedent(text).lstrip("\n"))
        return root

    return write
