import builtins
import os
import subprocess
import sys

import pytest

from bloomery.training.errors import PackageMissing
from bloomery.training.trackers import TensorBoard, Trackio, WeightsAndBiases


def pretend_missing(monkeypatch, package):
    real = builtins.__import__

    def refuse(name, *arguments, **options):
        if name.partition(".")[0] == package or (
            package == "tensorboard" and name == "torch.utils.tensorboard"
        ):
            raise ModuleNotFoundError(f"No module named '{package}'")
        return real(name, *arguments, **options)

    monkeypatch.setattr(builtins, "__import__", refuse)


@pytest.mark.parametrize(
    ("package", "start"),
    [
        ("tensorboard", lambda folder: TensorBoard(folder)),
        ("wandb", lambda folder: WeightsAndBiases(folder, project="p", name="n")),
        ("trackio", lambda folder: Trackio(project="p", name="n")),
    ],
)
def test_a_tracker_whose_package_is_missing_says_how_to_install_it(monkeypatch, tmp_path, package, start):
    pretend_missing(monkeypatch, package)
    with pytest.raises(PackageMissing, match=rf"pip install 'bloomery\[{package}\]'"):
        start(tmp_path)


def test_training_imports_none_of_the_trackers():
    source = "import sys, bloomery.training.trackers, bloomery.training.loop; print(*sorted(sys.modules))"
    done = subprocess.run([sys.executable, "-c", source], capture_output=True, text=True, check=True)
    assert {"tensorboard", "wandb", "trackio", "accelerate"}.isdisjoint(done.stdout.split())


@pytest.mark.slow
def test_tensorboard_reads_back_what_was_tracked(tmp_path):
    pytest.importorskip("tensorboard", reason="the extra `tensorboard` is not installed")
    from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

    with TensorBoard(tmp_path) as track:
        track("train/loss", 0.5, 1)
        track("train/loss", 0.25, 2)
    events = EventAccumulator(str(tmp_path)).Reload()
    assert [(event.step, event.value) for event in events.Scalars("train/loss")] == [(1, 0.5), (2, 0.25)]


WANDB = """
import sys, pathlib
from bloomery.training.trackers import WeightsAndBiases
with WeightsAndBiases(pathlib.Path(sys.argv[1]), project="p", name="n") as track:
    track("train/loss", 0.5, 1)
    track("train/loss", 0.25, 2)
"""

TRACKIO = """
from bloomery.training.trackers import Trackio
with Trackio(project="p", name="n") as track:
    track("train/loss", 0.5, 1)
    track("train/loss", 0.25, 2)
"""


def in_a_process(source, folder, **environment):
    environment = os.environ | {"HOME": str(folder)} | environment
    return subprocess.run(
        [sys.executable, "-c", source, str(folder)],
        capture_output=True,
        text=True,
        env=environment,
        timeout=120,
    )


@pytest.mark.slow
def test_weights_and_biases_writes_an_offline_run(tmp_path):
    pytest.importorskip("wandb", reason="the extra `wandb` is not installed")
    done = in_a_process(WANDB, tmp_path)
    assert done.returncode == 0, done.stderr
    (record,) = tmp_path.glob("wandb/offline-run-*/*.wandb")
    assert b"train/loss" in record.read_bytes()


@pytest.mark.slow
def test_trackio_writes_to_its_local_database(tmp_path):
    pytest.importorskip("trackio", reason="the extra `trackio` is not installed")
    done = in_a_process(TRACKIO, tmp_path, TRACKIO_DIR=str(tmp_path / "trackio"))
    assert done.returncode == 0, done.stderr
    (database,) = (tmp_path / "trackio").rglob("*.db")
    assert b"train/loss" in database.read_bytes()
