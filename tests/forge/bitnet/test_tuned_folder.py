"""Training towards trits outside a workspace: killed or paused it goes on, and ends at the same bits."""

import fcntl
import os
import signal

import pytest

from bloomery.core.errors import FormatRefused, UserError, WorkspaceBusy
from bloomery.core.step import Paused
from bloomery.forge import resumable
from bloomery.forge.bitnet.tuned_folder import tune_folder
from bloomery.forge.compression.calibration_rows import mixture_of
from bloomery.forge.fine_tuning import fine_tuning
from bloomery.forge.folders import load_model
from bloomery.forge.settings import TernaryConfig
from bloomery.models.packed.packed_linear import PackedTernaryLinear
from tests.forge.small_folders import broken_llama, files_of, tied_llama

STEPS = 6


def fit(**changes):
    given = {"steps": STEPS, "seq_len": 16, "batch": 2, "lr": 1e-2, "checkpoint_every": 2, **changes}
    return fine_tuning(mixture_of(["parity"], [10]), preset="bitnet", **given)


@pytest.fixture(scope="module")
def base(tmp_path_factory):
    return tied_llama(tmp_path_factory.mktemp("given") / "llama")


@pytest.fixture(scope="module")
def straight(base, tmp_path_factory):
    """Trained in one go."""
    output = tmp_path_factory.mktemp("tuned") / "straight"
    tune_folder(base, output, TernaryConfig(), fit())
    return output


class Stopper:
    """Does something at a step, and keeps what it was told."""

    def __init__(self, at, act):
        self.at, self.act, self.seen = at, act, []

    def __call__(self, done, total, text):
        self.seen.append(done)
        if done == self.at:
            self.act()


def interrupt():
    raise KeyboardInterrupt


def terminate():
    os.kill(os.getpid(), signal.SIGTERM)


def test_the_result_is_packed_and_nothing_else_stays(straight, base):
    model, _ = load_model(straight)
    assert sum(isinstance(layer, PackedTernaryLinear) for layer in model.modules()) == 14
    assert [path.name for path in straight.parent.iterdir()] == ["straight"]


def test_training_changed_the_weights(straight, base, tmp_path):
    tune_folder(base, tmp_path / "less", TernaryConfig(), fit(steps=1))
    assert files_of(tmp_path / "less")["model.safetensors"] != files_of(straight)["model.safetensors"]


@pytest.mark.parametrize(("act", "error"), [(interrupt, KeyboardInterrupt), (terminate, Paused)])
def test_a_stopped_training_goes_on_and_ends_at_the_same_bits(straight, base, tmp_path, act, error):
    with pytest.raises(error):
        tune_folder(base, tmp_path / "out", TernaryConfig(), fit(), watch=Stopper(3, act))
    assert not (tmp_path / "out").exists()
    again = Stopper(None, None)
    tune_folder(base, tmp_path / "out", TernaryConfig(), fit(), watch=again)
    assert again.seen[0] in (2, 3)  # SIGTERM writes a checkpoint of its own
    assert files_of(tmp_path / "out") == files_of(straight)
    assert [path.name for path in tmp_path.iterdir()] == ["out"]


def test_what_other_options_left_unfinished_is_not_gone_on_with(base, tmp_path):
    with pytest.raises(KeyboardInterrupt):
        tune_folder(base, tmp_path / "out", TernaryConfig(), fit(), watch=Stopper(3, interrupt))
    before = files_of(tmp_path)
    for config, fitting, seed in (
        (TernaryConfig(threshold=0.7), fit(), 0),
        (TernaryConfig(), fit(lr=1e-3), 0),
        (TernaryConfig(), fit(), 1),
    ):
        with pytest.raises(UserError, match="another command left unfinished"):
            tune_folder(base, tmp_path / "out", config, fitting, seed=seed)
    left = files_of(tmp_path)
    assert {name: data for name, data in left.items() if "checkpoint" in name} == {
        name: data for name, data in before.items() if "checkpoint" in name
    }


def test_a_model_that_changed_meanwhile_is_not_gone_on_with(base, tmp_path):
    mine = tied_llama(tmp_path / "mine")
    with pytest.raises(KeyboardInterrupt):
        tune_folder(mine, tmp_path / "out", TernaryConfig(), fit(), watch=Stopper(3, interrupt))
    (mine / "README.md").write_text("another one")
    with pytest.raises(UserError, match="another command left unfinished"):
        tune_folder(mine, tmp_path / "out", TernaryConfig(), fit())


def test_what_other_code_left_unfinished_is_not_gone_on_with(base, tmp_path, monkeypatch):
    with pytest.raises(KeyboardInterrupt):
        tune_folder(base, tmp_path / "out", TernaryConfig(), fit(), watch=Stopper(3, interrupt))
    monkeypatch.setattr(resumable, "code_version", lambda step: f"a later version of {step.__name__}")
    with pytest.raises(UserError, match="another version of the code"):
        tune_folder(base, tmp_path / "out", TernaryConfig(), fit())


def killed_after_packing(base, output, monkeypatch):
    """The packed folder is there; what it was made from is not cleared away, as after a SIGKILL."""
    with monkeypatch.context() as patch:
        patch.setattr(resumable, "remove_tree", lambda path: None)
        tune_folder(base, output, TernaryConfig(), fit())
    assert output.with_name("out.unfinished").exists()


def test_what_a_kill_left_beside_a_whole_output_goes_and_the_output_stays(base, tmp_path, monkeypatch):
    killed_after_packing(base, tmp_path / "out", monkeypatch)
    before = files_of(tmp_path / "out")
    with pytest.raises(UserError, match="out exists"):
        tune_folder(base, tmp_path / "out", TernaryConfig(), fit())
    assert [path.name for path in tmp_path.iterdir()] == ["out"]
    assert files_of(tmp_path / "out") == before


def test_an_unfinished_training_stays_though_another_output_took_its_place(base, tmp_path):
    with pytest.raises(KeyboardInterrupt):
        tune_folder(base, tmp_path / "out", TernaryConfig(), fit(), watch=Stopper(3, interrupt))
    tied_llama(tmp_path / "out")
    before = files_of(tmp_path)
    with pytest.raises(UserError, match="out exists"):
        tune_folder(base, tmp_path / "out", TernaryConfig(), fit())
    assert files_of(tmp_path) == before


def test_two_processes_do_not_train_into_one_folder(base, tmp_path):
    (tmp_path / "out.unfinished").mkdir()
    with (tmp_path / "out.unfinished" / "lock").open("w") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        with pytest.raises(WorkspaceBusy, match="another process is at work"):
            tune_folder(base, tmp_path / "out", TernaryConfig(), fit())


def test_a_mistake_leaves_nothing_behind(tmp_path):
    broken = broken_llama(tmp_path / "broken")
    with pytest.raises(FormatRefused, match="NaN"):
        tune_folder(broken, tmp_path / "out", TernaryConfig(), fit())
    with pytest.raises(UserError, match="no linear layer is named 'x'"):
        tune_folder(tied_llama(tmp_path / "base"), tmp_path / "out", TernaryConfig(skip=("x",)), fit())
    assert {path.name for path in tmp_path.iterdir()} == {"broken", "base"}
