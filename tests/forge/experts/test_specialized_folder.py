"""Specialising a folder outside a workspace: what comes of it, and going on after a stop."""

import shutil
import signal

import pytest

from bloomery.core.errors import UserError
from bloomery.core.step import Paused
from bloomery.forge.experts import specialized_folder
from bloomery.forge.experts.adapting import few_shot_mixture
from bloomery.forge.experts.cells import cells
from bloomery.forge.experts.designs import Design
from bloomery.forge.experts.folder import load_with_experts
from bloomery.forge.experts.searching import write_folder
from bloomery.forge.experts.settings import DesignSearchConfig, FindConfig, TeachConfig
from bloomery.forge.experts.specialized_folder import specialize_folder
from bloomery.forge.folders import load_model
from bloomery.forge.settings import ExamConfig
from bloomery.forge.stages.experts import ExpertsStageConfig
from bloomery.models.packed.experts import to_bytes
from tests.forge.experts.planted import MIXTURE, PLANTED, register
from tests.forge.small_folders import files_of
from tests.models.packed.expert_sets import expert_set

CONFIG = ExpertsStageConfig(
    mixture=MIXTURE,
    exam=ExamConfig(selection=24, test=24),
    find=FindConfig(most=3, probe_steps=4),
    teach=TeachConfig(objective="supervised", steps=25, lr=5e-2),
    search=DesignSearchConfig(generations=0, examples=16),
)


@pytest.fixture(scope="module")
def specialized(torn, tmp_path_factory):
    output = tmp_path_factory.mktemp("specialized") / "model"
    with pytest.MonkeyPatch.context() as patch:
        register(patch, *PLANTED)
        return output, *specialize_folder(torn, output, CONFIG, seed=1)


def test_the_folder_has_experts_for_every_kind(specialized):
    output, table, gained = specialized
    _, _, experts = load_with_experts(output)
    assert sorted(name.partition("-")[2] for name in experts.names) == ["first", "last", "second"]
    assert experts.held.design["strategy"] == table["design"]["strategy"]
    assert not output.with_name("model.unfinished").exists()
    assert [len(kind) for kind in gained.found.kinds] == [2, 2, 2]
    assert gained.passes.none == gained.before.accuracy
    assert gained.passes.two_pass > gained.passes.none + 0.1
    assert gained.shipped.size > gained.before.size  # by the experts beside the weights


def test_a_few_examples_say_which_expert_to_mix_in(specialized, planted):
    """Eight solved examples of one kind: the mixture answers the kind's other examples."""
    _, tokenizer, experts = load_with_experts(specialized[0])
    shown, asked = (cells(MIXTURE, CONFIG.exam, part)[0].examples for part in ("selection", "test"))
    found = few_shot_mixture(experts, tokenizer, shown[:8], seed=1, generations=3, population=10)
    own = [name.endswith("first") for name in experts.names]
    assert found.weights[own.index(True)] > found.weights[own.index(False)]
    assert found.score[0] > 0.8
    again = few_shot_mixture(experts, tokenizer, asked[:8], seed=1, generations=1, population=10)
    assert again.score[0] > 0.5
    with pytest.raises(UserError, match="none were given"):
        few_shot_mixture(experts, tokenizer, [], seed=1)


def test_what_was_stopped_goes_on_to_the_same_folder(specialized, torn, planted, tmp_path):
    """Stopped in the middle of the teaching, after the finding was done."""

    def watch(done, _total, text):
        if text.startswith("loss") and done == 5:
            signal.raise_signal(signal.SIGTERM)

    with pytest.raises(Paused):
        specialize_folder(torn, tmp_path / "model", CONFIG, seed=1, watch=watch)
    assert not (tmp_path / "model").exists()
    specialize_folder(torn, tmp_path / "model", CONFIG, seed=1)
    for path in specialized[0].iterdir():
        assert path.read_bytes() == (tmp_path / "model" / path.name).read_bytes(), path.name


def test_what_was_killed_while_it_was_measured_goes_on_and_has_no_output_yet(
    specialized, torn, planted, tmp_path, monkeypatch
):
    def killed(*_):
        raise KeyboardInterrupt

    monkeypatch.setattr(specialized_folder, "gained", killed)
    with pytest.raises(KeyboardInterrupt):
        specialize_folder(torn, tmp_path / "model", CONFIG, seed=1)
    assert [path.name for path in tmp_path.iterdir()] == ["model.unfinished"]
    monkeypatch.undo()
    register(monkeypatch, *PLANTED)
    assert specialize_folder(torn, tmp_path / "model", CONFIG, seed=1)[1] == specialized[2]
    assert [path.name for path in tmp_path.iterdir()] == ["model"]


def test_folders_inside_the_model_folder_are_none_of_it(torn, tmp_path):
    """What downloads leave there."""
    shutil.copytree(torn, tmp_path / "base")
    (tmp_path / "base" / ".cache" / "huggingface").mkdir(parents=True)
    held = expert_set(*load_model(torn))
    (tmp_path / "experts").write_bytes(to_bytes(held))
    plain = Design(strategy="act", weights=(0.0, 0.0), strengths=(1.0,) * len(held.ranks))
    write_folder(tmp_path / "base", tmp_path / "experts", plain, tmp_path / "out")
    assert files_of(tmp_path / "out") == files_of(torn)


def test_an_output_that_exists_is_not_written_over(torn, planted, tmp_path):
    (tmp_path / "kept").write_text("mine")
    with pytest.raises(UserError, match="exists"):
        specialize_folder(torn, tmp_path, CONFIG)
    assert (tmp_path / "kept").read_text() == "mine"
