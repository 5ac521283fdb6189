"""Specialising a folder outside a workspace: what comes of it, and going on after a stop."""

import shutil
import signal

import pytest
import torch

from bloomery.core.errors import UserError
from bloomery.core.step import Paused
from bloomery.forge.experts import specialized_folder
from bloomery.forge.experts.adapting import few_shot_mixture
from bloomery.forge.experts.answering import attempt
from bloomery.forge.experts.cells import cells
from bloomery.forge.experts.comparing import compare
from bloomery.forge.experts.designs import Design
from bloomery.forge.experts.dispatcher import by_prompt, dispatched, kinds_named
from bloomery.forge.experts.folder import load_with_experts
from bloomery.forge.experts.searching import write_folder
from bloomery.forge.experts.settings import DesignSearchConfig, FindConfig, TeachConfig
from bloomery.forge.experts.specialized_folder import specialize_folder
from bloomery.forge.experts.steps import sent_by
from bloomery.forge.experts.trimming import trimmed
from bloomery.forge.experts.writing import prompt_of
from bloomery.forge.folders import load_model
from bloomery.forge.settings import ExamConfig
from bloomery.forge.stages.experts import ExpertsStageConfig
from bloomery.models.packed.experts import Experts, to_bytes
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


@pytest.fixture
def opened(specialized, planted):
    """The model without experts at work, its experts, and the selection cells of each."""
    model, tokenizer, experts = load_with_experts(specialized[0])
    experts.remove()
    given = cells(MIXTURE, CONFIG.exam, "selection")
    by_name = [name.partition("-")[2] for name in experts.names]
    kinds = [[cell for cell in given if cell.task.name == name] for name in by_name]
    return model, tokenizer, experts.held, kinds


@pytest.mark.slow
def test_with_cem_each_kind_is_answered_by_a_mixture_that_solves_it(opened):
    """The vectors are mixed and the classifier stays; on test prompts."""
    model, tokenizer, held, kinds = opened
    adapted = sent_by("cem", held, model, tokenizer, kinds, seed=1)
    assert adapted.dispatcher is held.dispatcher
    weights = torch.linalg.lstsq(held.deltas.float().T, adapted.deltas.float().T).solution.T
    assert weights.argmax(1).tolist() == [0, 1, 2]  # of a kind's mixture its own expert is the largest part
    assert float(weights.min()) > -0.01
    asked = cells(MIXTURE, CONFIG.exam, "test")
    experts = Experts(model, adapted)
    own = [[kind[0].task.name for kind in kinds].index(cell.task.name) for cell in asked]
    passes = compare(experts, tokenizer, asked, own)
    experts.remove()
    assert passes.two_pass > passes.none + 0.2
    assert passes.dispatch > 0.9


def test_with_prompt_the_model_is_asked_by_name_and_what_it_reads_is_counted(opened):
    model, tokenizer, held, kinds = opened
    asking = sent_by("prompt", held, model, tokenizer, kinds, seed=1)
    strategy = Design(strategy="plan act", weights=(0.0,) * 3, strengths=(1.0,) * len(held.ranks))
    experts = Experts(model, trimmed(asking, strategy, {}))
    examples = cells(MIXTURE, CONFIG.exam, "test")[0].examples[:6]
    prompts = [prompt_of(one, tokenizer) for one in examples]
    names = [name.partition("-")[2] for name in held.names]
    with experts.using(None):
        told = by_prompt(model, tokenizer, [one.prompt for one in examples], names)
    assert [order[0] for order in dispatched(experts, tokenizer, [one.ids for one in prompts])] == told
    done = attempt(experts, tokenizer, prompts, most=2)
    written = [f"{one.prompt}\nkind: {name}" for one in examples for name in names]
    experts.remove()
    assert done.first_pass == sum(1 + len(text) for text in written)  # bytes, after bos


def test_experts_of_one_task_are_asked_about_by_their_whole_names():
    assert kinds_named(("1-first", "2-last")) == ["first", "last"]
    assert kinds_named(("1-first", "2-first")) == ["1-first", "2-first"]


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


@pytest.mark.slow
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
