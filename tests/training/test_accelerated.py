"""Two processes over gloo do what one does with twice the accumulation."""

import json
import subprocess
import sys
from pathlib import Path

import pytest
import torch

from bloomery.training.checkpoint import read_checkpoint
from bloomery.training.config import TrainConfig
from bloomery.training.errors import PackageMissing
from tests.training.test_resume import flat

SCRIPT = Path(__file__).with_name("many_processes.py")


def launch(folder, *, kind="ddp", processes=2, accumulate=1, stop=0, precision="fp32", dropout=0.0):
    """Runs the script on processes that torchrun starts; returns what each of them said."""
    command = [sys.executable, "-m", "torch.distributed.run", "--standalone", f"--nproc-per-node={processes}"]
    arguments = [str(SCRIPT), kind, str(folder), str(accumulate), str(stop), precision, str(dropout)]
    done = subprocess.run(command + arguments, capture_output=True, text=True, timeout=240)
    assert done.returncode == 0, done.stderr[-3000:]
    return [json.loads(line) for line in done.stdout.splitlines() if line.startswith("{")]


def weights(folder):
    return read_checkpoint(folder / "step-00000012")[1]["backend"]["model"]


def end(folder):
    """The last checkpoint as plain values: what order a map was gathered in does not count."""
    return flat(read_checkpoint(folder / "step-00000012")[1])


@pytest.mark.slow
@pytest.mark.parametrize("kind", ["ddp", "sharded"])
def test_two_processes_take_the_steps_of_one_that_accumulates_twice(tmp_path, kind):
    said = launch(tmp_path / "two", kind=kind)
    launch(tmp_path / "one", kind=f"{kind}-alone", processes=1, accumulate=2)
    assert sorted(one["rank"] for one in said) == [0, 1]
    assert {one["world"] for one in said} == {2}
    assert said[0]["last_loss"] == said[1]["last_loss"]
    ours, theirs = weights(tmp_path / "two"), weights(tmp_path / "one")
    for name in theirs:  # twelve steps with sums in another order, float32 (Muon's own are bfloat16)
        torch.testing.assert_close(ours[name], theirs[name], rtol=1e-3, atol=2e-3)


@pytest.mark.slow
@pytest.mark.parametrize("kind", ["ddp", "sharded"])
def test_two_processes_stopped_and_resumed_end_with_the_same_bits(tmp_path, kind):
    launch(tmp_path / "whole", kind=kind, dropout=0.2)
    first = launch(tmp_path / "parts", kind=kind, dropout=0.2, stop=5)
    assert {one["stopped"] for one in first} == {"requested"}
    second = launch(tmp_path / "parts", kind=kind, dropout=0.2)
    assert {one["resumed_from"] for one in second} == {5}
    assert end(tmp_path / "whole") == end(tmp_path / "parts")


@pytest.mark.slow
def test_a_checkpoint_of_two_processes_is_refused_by_one(tmp_path):
    launch(tmp_path, stop=5)
    with pytest.raises(AssertionError, match="was written with processes = 2, this run has"):
        launch(tmp_path, kind="ddp-alone", processes=1)


@pytest.mark.slow
def test_mixed_precision_goes_through_accelerate(tmp_path):
    said = launch(tmp_path, processes=1, precision="bf16")
    assert said[0]["autocast"] == "torch.bfloat16"


def test_accelerate_that_is_missing_is_named(monkeypatch):
    from bloomery.training.accelerated import Accelerated

    monkeypatch.setitem(sys.modules, "accelerate", None)
    with pytest.raises(PackageMissing, match=r"pip install 'bloomery\[accelerate\]'"):
        Accelerated(TrainConfig(steps=1))
