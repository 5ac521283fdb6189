"""The examples are what a reader copies: each runs here as it stands."""

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
EXAMPLES = ROOT / "examples"
TINY = ROOT / "tests/integration/recipes/tiny.yaml"


def run(name: str, *arguments: str | Path, cwd: Path) -> str:
    environment = os.environ | {"HF_HUB_OFFLINE": "1", "HF_MODULES_CACHE": str(cwd / "modules")}
    command = [sys.executable, EXAMPLES / name, *map(str, arguments)]
    done = subprocess.run(command, cwd=cwd, env=environment, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_the_memory_reads_a_stream_in_pieces_as_it_reads_it_whole(tmp_path):
    printed = run("neural_memory_alone.py", cwd=tmp_path)
    assert float(printed.rsplit(" ", 1)[1]) < 1e-5  # float32, sums in another order


def test_an_own_task_shows_held_out_examples_that_are_right(tmp_path):
    shown = re.findall(r"(\d+)=(\d+) chance", run("own_task.py", cwd=tmp_path))
    assert len(shown) == 2
    assert all(answer == prompt[::-1] for prompt, answer in shown)


@pytest.mark.slow
def test_a_model_forged_from_python_answers_in_plain_transformers(tmp_path):
    printed = run("forge_a_model.py", TINY, tmp_path / "workspace", cwd=tmp_path)
    assert "passed   loads in plain transformers" in printed
    folder = printed.strip().splitlines()[-1]
    answered = run("use_a_shipped_model.py", folder, "3+5+9=", "1+1=", cwd=tmp_path)
    assert [line.split(" ")[0] for line in answered.splitlines()] == ["3+5+9=", "1+1="]


def test_every_example_is_run_here():
    called = re.findall(r'run\("(\w+\.py)"', Path(__file__).read_text())
    assert {path.name for path in EXAMPLES.glob("*.py")} == set(called)
