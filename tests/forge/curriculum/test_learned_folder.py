"""The curriculum outside a workspace: stopped it goes on, and ends at the same bits."""

from dataclasses import replace

import pytest

from bloomery.core.errors import UserError
from bloomery.forge.bitnet.quantizing import make_ternary
from bloomery.forge.curriculum.learned_folder import learn_folder
from bloomery.forge.curriculum.proposing import Generators
from bloomery.forge.editing import Editable, load_editable, save_editable
from bloomery.forge.folders import load_model, save_model
from bloomery.forge.packed_folder import is_packed
from bloomery.forge.settings import TernaryConfig
from tests.forge.curriculum.pupils import TOKENIZER, config, fitting, pupil
from tests.forge.small_folders import files_of

WORDS = config(fit=fitting(6))


@pytest.fixture(scope="module")
def base(tmp_path_factory):
    folder = tmp_path_factory.mktemp("base")
    save_model(pupil(20), TOKENIZER, folder)
    return folder


def interrupt_in(step):
    """Stops the first training that comes to this step, once it has gone through the ones before."""
    seen = []

    def watch(done, total, text):
        seen.append(done)
        if done == step and len(seen) > step:
            raise KeyboardInterrupt

    return watch


def test_a_stopped_curriculum_goes_on_and_ends_at_the_same_bits(base, tmp_path):
    straight = learn_folder(base, tmp_path / "straight", WORDS)
    with pytest.raises(KeyboardInterrupt):
        learn_folder(base, tmp_path / "out", WORDS, watch=interrupt_in(4))
    assert not (tmp_path / "out").exists()
    assert learn_folder(base, tmp_path / "out", WORDS) == straight
    assert files_of(tmp_path / "out") == files_of(tmp_path / "straight")
    assert {path.name for path in tmp_path.iterdir()} == {"out", "straight"}
    assert len(straight.rates) == len(straight.ladder["chained_sums"]) == 3


@pytest.mark.slow
def test_latent_weights_are_handed_out_packed_and_beside_that_to_go_on_with(base, tmp_path):
    model, tokenizer = load_model(base)
    make_ternary(model, TernaryConfig())
    save_editable(Editable(model=model, tokenizer=tokenizer, ternary=TernaryConfig()), tmp_path / "latent")
    learn_folder(tmp_path / "latent", tmp_path / "out", WORDS)
    assert is_packed(tmp_path / "out")
    assert load_editable(tmp_path / "out-latent").ternary == TernaryConfig()


class Named(Generators):
    def __init__(self, name):
        self.name = name


def test_two_proposers_of_one_class_do_not_share_unfinished_work(base, tmp_path):
    """The second one is refused what the first one began, as any other config is."""
    words = replace(WORDS, fit=replace(WORDS.fit, train={**WORDS.fit.train, "checkpoint_every": 2}))
    with pytest.raises(KeyboardInterrupt):
        learn_folder(base, tmp_path / "out", words, watch=interrupt_in(4), proposer=Named("small model"))
    with pytest.raises(UserError, match="what another command left unfinished"):
        learn_folder(base, tmp_path / "out", words, proposer=Named("large model"))


def test_a_folder_that_holds_something_is_not_written_over(base, tmp_path):
    (tmp_path / "kept").write_text("mine")
    with pytest.raises(UserError, match="exists"):
        learn_folder(base, tmp_path, WORDS)
    assert (tmp_path / "kept").read_text() == "mine"
