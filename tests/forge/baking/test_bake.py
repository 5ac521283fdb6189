"""Baking a prompt: it passes on a model that follows one, and fails for a prompt that changes nothing."""

import sys

import pytest
import torch

from bloomery.core.errors import CapabilityMissing, ConfigError, FormatRefused, UserError
from bloomery.forge.baking.bake import Queries, baking_loss
from bloomery.forge.baking.completions import Completion
from bloomery.forge.baking.divergence import forward_kl, read, residual
from bloomery.forge.baking.rows import collate_pairs, pair
from bloomery.forge.baking.strength import weights_of
from bloomery.models.packed.converting import convert
from tests.forge.baking.bakes import BAR, answers, baked, drift
from tests.forge.baking.promptable import (
    CONTROLS,
    IDLE,
    LOUD,
    TOKENIZER,
    UNSEEN,
    cognate,
    llama,
    promptable_llama,
    quick,
    some_queries,
    steps,
    taught,
)


def test_a_baked_model_does_unprompted_what_the_prompt_asked_for(loud):
    model, found = loud
    assert answers(promptable_llama()) == [one[0] for one in UNSEEN]
    assert answers(model) == [one[0].upper() for one in UNSEEN]
    assert found.residual.ratio <= BAR
    assert found.residual.base > 0.5


def test_the_residual_is_measured_again_on_other_completions(loud, held_out):
    model, found = loud
    again = residual(promptable_llama(), promptable_llama(), model, TOKENIZER, held_out)
    assert again.ratio <= BAR
    assert again.base == pytest.approx(found.residual.base, rel=0.1)  # other samples of one distribution


def test_a_prompt_that_changes_nothing_leaves_nothing_to_bake(tmp_path):
    model = promptable_llama()
    found = baked(tmp_path, model, IDLE)
    assert found.residual.base < 1e-3
    assert not found.residual.ratio <= BAR
    assert answers(model) == [one[0] for one in UNSEEN]


def test_questions_that_the_prompt_does_not_concern_are_answered_as_before(loud):
    model, found = loud
    assert answers(model, CONTROLS) == [one[2] for one in CONTROLS]
    assert drift(model) < 0.02 * found.residual.base


def test_without_anchors_other_questions_drift(tmp_path, loud):
    """What anchors are for: the same bake, without them."""
    model, _ = loud
    alone = promptable_llama()
    baked(tmp_path, alone, queries=some_queries(anchors=()))
    assert drift(model) < 0.1 * drift(alone)


def test_a_low_rank_change_bakes_as_well_and_leaves_a_plain_model(tmp_path):
    model = promptable_llama()
    names = [name for name, _ in model.named_modules()]
    before = weights_of(model)
    found = baked(tmp_path, model, config=quick(mode="lora"), fitting=steps(lr=1e-2))
    assert found.residual.ratio <= BAR
    assert [name for name, _ in model.named_modules()] == names
    assert all(parameter.requires_grad for parameter in model.parameters())
    changed = {name for name, tensor in model.state_dict().items() if not torch.equal(tensor, before[name])}
    assert changed == {name for name in before if "proj" in name}


def test_without_peft_a_low_rank_bake_names_what_to_install(tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "peft", None)
    with pytest.raises(CapabilityMissing, match=r"bloomery\[lora\]"):
        baked(tmp_path, llama(), config=quick(mode="lora", empty=1.0))


def test_ternary_weights_are_baked_whole_and_refuse_a_low_rank_change(tmp_path):
    model = llama()
    convert(model, skip=["lm_head"])
    with torch.no_grad():
        model.lm_head.weight *= 20  # so that random weights tell one prompt from another
    with pytest.raises(UserError, match="mode=full"):
        baked(tmp_path / "lora", model, config=quick(mode="lora", empty=1.0))
    found = baked(tmp_path / "full", model, "UUUU", config=quick(empty=1.0), fitting=steps(20))
    assert 0 < found.residual.baked < found.residual.base


@pytest.mark.slow
def test_latent_ternary_weights_follow_a_prompt_and_are_baked(tmp_path):
    model = llama()
    convert(model, skip=["lm_head"])
    taught(model, steps=400)
    found = baked(tmp_path, model, fitting=steps(120))
    assert found.residual.base > 0.5
    assert found.residual.ratio <= BAR


@pytest.mark.slow
def test_a_cognate_model_is_baked(tmp_path):
    model = taught(cognate(), steps=300)
    found = baked(tmp_path, model, fitting=steps(80))
    assert found.residual.base > 0.5
    assert found.residual.ratio <= BAR


def test_a_cognate_model_with_random_weights_comes_nearer_to_itself_prompted(tmp_path):
    found = baked(tmp_path, cognate(), "UUUU", config=quick(empty=1.0), fitting=steps(15))
    assert 0 < found.residual.baked < found.residual.base


def test_a_prompt_longer_than_the_window_is_refused_with_the_counts(tmp_path):
    with pytest.raises(UserError, match=r"has 60 tokens; with a query of 3 and 4 new ones that is 68.*is 64"):
        baked(tmp_path, llama(), "x" * 60)


def test_a_teacher_of_another_vocabulary_is_refused(tmp_path):
    other = llama()
    other.resize_token_embeddings(300, mean_resizing=False)
    with pytest.raises(FormatRefused, match="the teacher has 300 tokens and the student 259"):
        baked(tmp_path, llama(), teacher=other)


@pytest.mark.parametrize(
    ("changes", "prompt", "words"),
    [
        ({}, "", "there is nothing to bake"),
        ({"config": quick(mode="lora"), "fitting": steps(optimizer="muon_grokfast")}, LOUD, "=adamw"),
        ({"config": quick(strength=0.5)}, LOUD, "evaluate_every 0"),
        ({"fitting": steps(halting=0.5)}, LOUD, "no curriculum"),
        ({"queries": Queries(train=["a1="], held_out=["b1="]), "config": quick(empty=1.0)}, LOUD,
         "2 of 2 completions fit .* takes 24"),
        ({"queries": Queries(train=[], held_out=["b1="])}, LOUD, "no queries"),
    ],
)  # fmt: skip
def test_what_cannot_be_baked_is_refused(tmp_path, changes, prompt, words):
    with pytest.raises(ConfigError, match=words):
        baked(tmp_path, llama(), prompt, **changes)


def test_a_query_is_not_both_learnt_and_held_out():
    with pytest.raises(ConfigError, match="'b1='"):
        Queries(train=["a1=", "b1="], held_out=["b1="])


@pytest.mark.parametrize(("halting", "depth"), [(1.0, 1), (0.0, 2)])
def test_a_student_that_can_halt_does_in_the_share_of_steps_that_is_asked_for(halting, depth):
    teacher, student = cognate(0).eval(), cognate(1)
    student.halting.score.bias.data.fill_(20.0)  # sure after its first step
    written = [Completion((5, 6), (7, 8), (9, 10, 2)), Completion((5, 6), (8,), (11, 2))]
    batch = collate_pairs([pair(one, TOKENIZER) for one in written], pad=TOKENIZER.pad_token_id)
    theirs = read(teacher, batch["teacher"])
    found = baking_loss(student, batch, teacher=teacher, halting=halting).loss
    losses = [forward_kl(theirs, read(student, batch["student"], recursion_steps=n)).mean() for n in (1, 2)]
    assert abs(losses[0] - losses[1]) > 1e-3
    torch.testing.assert_close(found, losses[depth - 1])
