"""A prompt baked outside a workspace: killed or paused it goes on, and ends at the same bits."""

import os
import signal

import pytest

from bloomery.core.errors import UserError
from bloomery.core.step import Paused
from bloomery.forge.baking.baked_folder import bake_folder
from bloomery.forge.bitnet.quantizing import make_ternary
from bloomery.forge.editing import Editable, load_editable, save_editable
from bloomery.forge.folders import load_model
from bloomery.forge.packed_folder import is_packed
from bloomery.forge.settings import TernaryConfig
from tests.forge.baking.promptable import TOKENIZER, llama, quick, some_queries, steps
from tests.forge.small_folders import files_of

PROMPT = "UUUU"


@pytest.fixture(scope="module")
def base(tmp_path_factory):
    """A latent folder: random weights behind trits."""
    folder, model = tmp_path_factory.mktemp("given") / "latent", llama()
    make_ternary(model, TernaryConfig())
    save_editable(Editable(model=model, tokenizer=TOKENIZER, ternary=TernaryConfig()), folder)
    return folder


def bake_here(base, output, **options):
    words = {"fitting": steps(6), "config": quick(empty=1.0), **options}
    return bake_folder(base, output, PROMPT, some_queries(), **words)


@pytest.fixture(scope="module")
def straight(base, tmp_path_factory):
    output = tmp_path_factory.mktemp("baked") / "straight"
    return output, bake_here(base, output, rounds=2)


def test_a_baked_folder_can_be_baked_again_and_nothing_else_stays(straight, base):
    output, found = straight
    assert load_editable(output).ternary == TernaryConfig()
    assert [one.steps for one in found] == [6, 6]
    assert files_of(output)["model.safetensors"] != files_of(base)["model.safetensors"]
    assert [path.name for path in output.parent.iterdir()] == ["straight"]


def test_packed_it_is_what_ships(base, tmp_path):
    bake_here(base, tmp_path / "out", packed=True)
    assert is_packed(tmp_path / "out")
    assert load_model(tmp_path / "out")[0].config.vocab_size == 259


class Stopper:
    """Sends SIGTERM at the so many-th step that it is told of."""

    def __init__(self, at):
        self.left = at

    def __call__(self, done, total, text):
        self.left -= 1
        if self.left == 0:
            os.kill(os.getpid(), signal.SIGTERM)


def test_a_stopped_bake_goes_on_in_its_second_round_and_ends_at_the_same_bits(straight, base, tmp_path):
    with pytest.raises(Paused):
        bake_here(base, tmp_path / "out", rounds=2, watch=Stopper(10))
    assert not (tmp_path / "out").exists()
    assert (tmp_path / "out.unfinished" / "checkpoint" / "round-1").is_dir()
    bake_here(base, tmp_path / "out", rounds=2)
    assert files_of(tmp_path / "out") == files_of(straight[0])
    assert [path.name for path in tmp_path.iterdir()] == ["out"]


def test_another_prompt_is_not_gone_on_with(base, tmp_path):
    with pytest.raises(Paused):
        bake_here(base, tmp_path / "out", watch=Stopper(3))
    with pytest.raises(UserError, match="another command left unfinished"):
        bake_folder(base, tmp_path / "out", "VV", some_queries(), fitting=steps(6), config=quick(empty=1.0))


def test_a_mistake_leaves_nothing_behind(base, tmp_path):
    with pytest.raises(UserError, match="the model's window is 64"):
        bake_folder(base, tmp_path / "out", "x" * 70, some_queries(), fitting=steps(6), config=quick())
    assert list(tmp_path.iterdir()) == []
