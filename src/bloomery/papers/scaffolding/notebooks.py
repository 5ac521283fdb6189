"""Notebooks whose cells run from top to bottom, also without Jupyter."""

import json
from collections.abc import Sequence
from typing import Any

STEPS = 30


def notebook(package: str, modules: Sequence[str], *, trains: bool, colab: bool) -> str:
    """Trains the small model and looks at what it continues; without one it says what is written."""
    begin = [_code("paths", _PATHS), *([_code("install", _INSTALL)] if colab else [])]
    if not trains:
        intro = _text("intro", f"# {package}\n\nWhich equations are written.")
        return _book(
            [intro, *begin, _code("modules", _MODULES.format(modules=json.dumps(modules, indent=4)))]
        )
    cells = [
        _text("intro", f"# {package}\n\nTrains the small model on a generated task, and looks at it."),
        *begin,
        _code("train", _TRAIN.format(package=package, steps=STEPS)),
        _text("look", "What it continues: each token should be three times the one before, plus one."),
        _code("generate", _GENERATE.format(package=package)),
    ]
    return _book(cells)


def _book(cells: list[dict[str, Any]]) -> str:
    kernel = {"display_name": "Python 3", "language": "python", "name": "python3"}
    metadata = {"kernelspec": kernel, "language_info": {"name": "python"}}
    book = {"cells": cells, "metadata": metadata, "nbformat": 4, "nbformat_minor": 5}
    return json.dumps(book, indent=1, ensure_ascii=False) + "\n"


def code_cells(book: str) -> Sequence[str]:
    """The code of a notebook, cell by cell."""
    return ["".join(cell["source"]) for cell in json.loads(book)["cells"] if cell["cell_type"] == "code"]


def _text(name: str, source: str) -> dict[str, Any]:
    return {"cell_type": "markdown", "id": name, "metadata": {}, "source": source.splitlines(True)}


def _code(name: str, source: str) -> dict[str, Any]:
    held: dict[str, Any] = {"execution_count": None, "metadata": {}, "outputs": []}
    return {"cell_type": "code", "id": name, **held, "source": source.strip().splitlines(True)}


_PATHS = """
import sys
from pathlib import Path

here = Path.cwd()
root = next(one for one in (here, *here.parents) if (one / "pyproject.toml").is_file())
sys.path.insert(0, str(root / "src"))
"""
_MODULES = """
from importlib import import_module
from inspect import getsource

modules = {modules}
for name in modules:
    written = "not implemented:" not in getsource(import_module(name))
    print(name, "is written" if written else "is not written yet")
"""
_INSTALL = """
import subprocess

if "google.colab" in sys.modules:
    subprocess.run([sys.executable, "-m", "pip", "install", "-q", "-e", str(root)], check=True)
"""
_TRAIN = """
import tempfile

from {package}.config import load
from {package}.train import restore, train

config = load(root / "configs" / "small.yaml")
output = Path(tempfile.mkdtemp())
done = train(config, output, max_steps={steps})
print(f"held-out loss {{done.first_loss:.3f}} -> {{done.last_loss:.3f}} in {{done.steps}} steps")
"""
_GENERATE = """
import torch

from {package}.inference import generate

model, _ = restore(output)
print(generate(model, torch.tensor([[1]]), 8)[0].tolist())
"""
