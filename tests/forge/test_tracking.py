import pytest

from bloomery.core.errors import CapabilityMissing, UnknownName
from bloomery.forge import tracking as module
from bloomery.forge.tracking import tracking
from bloomery.training.errors import PackageMissing


class Recorder:
    def __init__(self, step, rows):
        self.step, self.rows, self.open = step, rows, True

    def __call__(self, name, value, index):
        assert self.open
        self.rows.append((self.step, name, value, index))

    def close(self):
        self.open = False


def test_no_tracker_is_no_sink(tmp_path):
    with tracking(None, tmp_path, "quickstart") as sink:
        assert sink is None


def test_each_step_is_a_run_of_its_own_and_the_one_before_is_closed(tmp_path, monkeypatch):
    rows, opened = [], []

    def open_one(_folder, _project, step):
        opened.append(Recorder(step, rows))
        return opened[-1]

    monkeypatch.setitem(module._OPEN, "tensorboard", open_one)
    with tracking("tensorboard", tmp_path, "quickstart") as sink:
        sink("base", "loss", 2.0, 10)
        sink("base", "loss", 1.0, 20)
        sink("memory", "loss", 0.5, 1)
        assert [one.open for one in opened] == [False, True]
    assert not opened[-1].open
    assert rows == [("base", "loss", 2.0, 10), ("base", "loss", 1.0, 20), ("memory", "loss", 0.5, 1)]


def test_an_unknown_tracker_is_refused_with_the_nearest_name(tmp_path):
    with pytest.raises(UnknownName, match="tensorboard"), tracking("tensorbord", tmp_path, "x"):
        pass


def test_a_tracker_whose_package_is_missing_says_what_to_install(tmp_path, monkeypatch):
    def missing(*_):
        raise PackageMissing("wandb", "the tracker")

    monkeypatch.setitem(module._OPEN, "wandb", missing)
    with (
        tracking("wandb", tmp_path, "x") as sink,
        pytest.raises(CapabilityMissing, match="bloomery\\[wandb\\]"),
    ):
        sink("base", "loss", 1.0, 1)


def test_tensorboard_files_are_written_below_the_folder(tmp_path):
    pytest.importorskip("tensorboard", reason="the extra 'tensorboard' is not installed")
    with tracking("tensorboard", tmp_path, "quickstart") as sink:
        sink("base", "loss", 1.0, 1)
    assert list((tmp_path / "tensorboard" / "quickstart" / "base").glob("events.*"))
