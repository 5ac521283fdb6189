"""Baking a prompt: it passes on a model that follows one, and fails for a prompt that changes nothing."""

import math
import sys

import numpy as np
import pytest
import torch

from bloomery.core.errors import CapabilityMissing, ConfigError, FormatRefused, UserError
from bloomery.core.step import Paused
from bloomery.forge.baking.bake import Queries, bake
from bloomery.forge.baking.completions import Completion, check_not_empty, sample
from bloomery.forge.baking.divergence import Residual, divergence, forward_kl, residual
from bloomery.forge.baking.in_turn import bake_in_turn, pursue
from bloomery.forge.baking.rows import BakingRows, collate_pairs, written_logits
from bloomery.forge.baking.strength import (
    half_baked,
    interpolated,
    measured_by,
    strength_curve,
    weights_of,
)
from bloomery.forge.baking.turns import after_turns, turns_before
from bloomery.models.packed.converting import convert
from bloomery.tasks.generation import write
from tests.forge.baking.promptable import (
    CONTROLS,
    IDLE,
    LOUD,
    TOKENIZER,
    UNSEEN,
    cognate,
    context_in,
    llama,
    promptable_llama,
    quick,
    some_queries,
    steps,
    taught,
)

BAR = 0.2  # of the residual ratio
EOS = TOKENIZER.eos_token_id


def baked(folder, model, prompt=LOUD, **changes):
    given = {"config": quick(), "fitting": steps(), "queries": some_queries(), **changes}
    asked = given.pop("queries")
    return bake(context_in(folder), model, TOKENIZER, prompt, asked, **given)


def answers(model, asked=UNSEEN):
    return write(model, TOKENIZER, list(asked), max_new_tokens=4)


def loud_share(model, asked=UNSEEN):
    """How many of the answers to these, each ending in one of UNSEEN, are in upper case."""
    given = zip(answers(model, asked), UNSEEN, strict=True)
    return sum(got == one[0].upper() for got, one in given) / len(UNSEEN)


def drift(model):
    """From the model before it was baked, on questions that the prompt does not concern."""
    base = promptable_llama()
    some = sample(base, TOKENIZER, "", CONTROLS, max_new_tokens=4, seed=1)
    return divergence(base, model, TOKENIZER, some)


@pytest.fixture(scope="module")
def loud(tmp_path_factory):
    """The model with its prompt baked in, and what became of the prompt."""
    model = promptable_llama()
    return model, baked(tmp_path_factory.mktemp("loud"), model)


@pytest.fixture(scope="module")
def held_out():
    """What the prompted model writes to queries that no bake saw, by another seed than any bake's."""
    return sample(promptable_llama(), TOKENIZER, LOUD, UNSEEN, max_new_tokens=4, seed=99)


def test_the_divergence_is_the_sum_over_the_vocabulary_that_its_definition_says():
    generator = torch.Generator().manual_seed(0)
    teacher, student = (torch.randn(5, 7, generator=generator, dtype=torch.float64) for _ in range(2))
    p, q = (logits.softmax(-1).numpy() for logits in (teacher, student))
    by_hand = (p * np.log(p / q)).sum(-1)
    assert forward_kl(teacher, student).numpy() == pytest.approx(by_hand, rel=1e-5)  # it computes in float32
    assert forward_kl(teacher, teacher).abs().max() == 0


def test_teacher_and_student_are_compared_at_the_same_written_tokens():
    """Logits that name their own position and token: each pair predicts the token that was written next."""
    some = [Completion((7, 8), (9,), (4, 5, EOS)), Completion((), (6, 6, 6), (3, EOS), turns=(7,))]
    rows = BakingRows(some, TOKENIZER, seq_len=12)
    batch = collate_pairs([rows[0], rows[1]], pad=rows.pad)
    for reader in ("teacher", "student"):
        ids = batch[reader]["input_ids"]
        predicts_next = torch.roll(ids, -1, dims=1)[..., None]
        assert written_logits(predicts_next, batch[reader]).flatten().tolist() == [4, 5, EOS, 3, EOS]
    assert batch["student"]["input_ids"][0, :2].tolist() == [TOKENIZER.bos_token_id, 9]
    assert batch["student"]["input_ids"][1, :5].tolist() == [TOKENIZER.bos_token_id, 7, 6, 6, 6]
    assert batch["teacher"]["input_ids"].shape == (2, 7)


@pytest.mark.parametrize("make", [llama, cognate])
def test_what_stands_beside_a_completion_in_its_batch_does_not_change_its_divergence(make):
    """Rows are padded to the longest; in float32 the sums differ in the last bits alone."""
    model, other = make(0).eval(), make(1).eval()
    some = sample(model, TOKENIZER, LOUD, ["a1=", "longer than it="], max_new_tokens=5, seed=0)
    tokens = [len(one.written) for one in some]
    alone = [divergence(model, other, TOKENIZER, [one]) for one in some]
    together = divergence(model, other, TOKENIZER, some)
    mean = sum(kl * count for kl, count in zip(alone, tokens, strict=True)) / sum(tokens)
    assert together == pytest.approx(mean, rel=1e-4)


def test_the_divergence_of_a_model_from_itself_without_a_prompt_is_zero():
    model = llama().eval()
    some = sample(model, TOKENIZER, "", ["a1=", "b2="], max_new_tokens=4, seed=0)
    assert divergence(model, model, TOKENIZER, some) == 0


def test_completions_come_from_the_models_own_distribution():
    """The first token of 600 samples of a random model against its softmax: a chi-square over the likeliest
    bytes. 60 is beyond the 99.99 % quantile for 20 degrees of freedom (52.4)."""
    model = llama().eval()
    with torch.no_grad():
        model.lm_head.weight[10:30] *= 12  # a few likely bytes, so that there is something to count
    ids = torch.tensor([[TOKENIZER.bos_token_id, *TOKENIZER.encode("U:q", add_special_tokens=False)]])
    p = model(input_ids=ids).logits[0, -1].softmax(-1)
    drawn = sample(model, TOKENIZER, "U:", ["q"], per_query=600, max_new_tokens=1, seed=5)
    counts = torch.bincount(torch.tensor([one.written[0] for one in drawn]), minlength=259)
    top = p.topk(20).indices
    rest = 600 * (1 - p[top].sum())
    found = ((counts[top] - 600 * p[top]) ** 2 / (600 * p[top])).sum()
    found += (600 - counts[top].sum() - rest) ** 2 / rest
    assert found < 60


def test_equal_seeds_write_equal_completions_and_leave_the_callers_randomness_alone():
    model = llama()
    before = torch.random.get_rng_state()
    one, same, other = (
        sample(model, TOKENIZER, "", ["a1=", "b2="], max_new_tokens=6, seed=seed) for seed in (1, 1, 2)
    )
    assert one == same != other
    assert torch.equal(torch.random.get_rng_state(), before)


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


def test_no_effect_at_all_has_no_ratio():
    assert math.isnan(Residual(base=0.0, baked=0.0).ratio)


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


def test_the_persona_is_kept_over_distractor_turns(loud):
    """Turns of another kind stand between, answered by the model before it was baked."""
    (model, _), base = loud, promptable_llama()
    for turns in (0, 1, 2):
        texts = turns_before(base, TOKENIZER, CONTROLS, turns=turns, count=len(UNSEEN), max_new_tokens=4)
        assert {text.count("\n") for text in texts} == {turns}
        asked = [text + one for text, one in zip(texts, UNSEEN, strict=True)]
        assert loud_share(model, asked) >= 0.9
        assert loud_share(base, asked) == 0


def test_the_residual_stays_small_after_turns(loud, held_out):
    """The teacher is asked at once, the student after two turns."""
    (model, _), base = loud, promptable_llama()
    texts = turns_before(base, TOKENIZER, CONTROLS, turns=2, count=len(held_out), max_new_tokens=4)
    later = after_turns(TOKENIZER, held_out, texts)
    left = residual(base, promptable_llama(), model, TOKENIZER, later)
    assert left.ratio <= 2 * BAR
    assert left.base > 0.5


def test_strength_grows_with_the_amount_of_the_bake(loud, held_out):
    model, base = loud[0], promptable_llama()
    weights = weights_of(base), weights_of(model)
    curve = strength_curve(*weights, measured_by(promptable_llama(), base, TOKENIZER, held_out))
    measured = list(curve.values())
    assert measured == sorted(measured)
    assert measured[0] == 0
    assert measured[-1] >= 1 - BAR


def test_a_half_baked_model_has_the_strength_that_was_asked_for(loud, held_out):
    model, base = loud[0], promptable_llama()
    weights = weights_of(base), weights_of(model)
    strength = measured_by(promptable_llama(), base, TOKENIZER, held_out)
    amount = half_baked(*weights, strength, 0.5)
    assert 0 < amount < 1
    below, above = (strength(interpolated(*weights, one)) for one in (amount, amount + 1 / 256))
    assert below <= 0.5 < above


def test_the_ends_of_an_interpolation_are_the_two_models_to_the_bit():
    base, other = weights_of(llama(0)), weights_of(llama(1))
    assert all(torch.equal(tensor, base[name]) for name, tensor in interpolated(base, other, 0.0).items())
    assert all(torch.equal(tensor, other[name]) for name, tensor in interpolated(base, other, 1.0).items())
    with pytest.raises(ConfigError, match=r"from 0 to 1, got 1\.5"):
        interpolated(base, other, 1.5)


def test_more_strength_than_the_bake_has_is_refused():
    base = {"w": torch.zeros(1)}
    with pytest.raises(ConfigError, match=r"strength of 0\.300, less than 0\.5: bake longer"):
        half_baked(base, {"w": torch.ones(1)}, lambda weights: 0.3 * float(weights["w"]), 0.5)


def test_a_bake_stops_early_at_the_strength_that_was_asked_for(tmp_path, loud):
    found = baked(tmp_path, promptable_llama(), config=quick(strength=0.5), fitting=steps(evaluate_every=2))
    assert found.steps < loud[1].steps
    assert 0.5 <= found.residual.strength < loud[1].residual.strength


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


def test_one_prompt_after_the_other_leaves_both_in_the_model(tmp_path):
    """The second prompt is idle by itself: that the first one's effect stays is what is seen."""
    model = promptable_llama()
    found = bake_in_turn(
        context_in(tmp_path), model, TOKENIZER, {"loud": LOUD, "idle": IDLE}, some_queries(),
        config=quick(), fitting=steps(),
    )  # fmt: skip
    assert list(found) == ["loud", "idle"]
    assert found["loud"].residual.ratio <= BAR
    assert found["idle"].residual.base < 0.1 * found["loud"].residual.base
    assert answers(model) == [one[0].upper() for one in UNSEEN]


def test_each_round_of_a_pursuit_has_the_model_before_it_as_its_teacher(tmp_path):
    model = promptable_llama()
    found = pursue(
        context_in(tmp_path), model, TOKENIZER, LOUD, some_queries(), rounds=2, config=quick(),
        fitting=steps(),
    )  # fmt: skip
    assert found[1].residual.base < 0.1 * found[0].residual.base  # the prompt has hardly more to say
    assert answers(model) == [one[0].upper() for one in UNSEEN]


class Stopper:
    def __init__(self, at):
        self.left = at

    def __call__(self):
        self.left -= 1
        return self.left < 0


@pytest.mark.parametrize("mode", ["full", "lora"])
def test_a_stopped_bake_goes_on_to_the_same_weights(tmp_path, mode):
    config = quick(mode=mode, empty=1.0)

    def bake_here(folder, model, **options):
        both = {"one": "UU", "two": "VV"}
        context = context_in(folder, **options)
        return bake_in_turn(context, model, TOKENIZER, both, some_queries(), config=config, fitting=steps(6))

    whole, parts = llama(), llama()
    bake_here(tmp_path / "whole", whole)
    with pytest.raises(Paused):
        bake_here(tmp_path / "parts", llama(), stopping=Stopper(8))  # in the second prompt
    again = bake_here(tmp_path / "parts", parts)
    assert again["two"].steps == 6
    theirs = parts.state_dict()
    assert all(torch.equal(tensor, theirs[name]) for name, tensor in whole.state_dict().items())


def test_what_a_stopped_bake_had_sampled_is_not_sampled_again(tmp_path, monkeypatch):
    words = {"config": quick(empty=1.0), "fitting": steps(4)}
    with pytest.raises(Paused):
        bake(context_in(tmp_path, stopping=Stopper(1)), llama(), TOKENIZER, "UU", some_queries(), **words)
    monkeypatch.setattr("bloomery.forge.baking.bake.sample", lambda *_, **__: pytest.fail("it samples again"))
    assert bake(context_in(tmp_path), llama(), TOKENIZER, "UU", some_queries(), **words).steps == 4


def test_a_prompt_longer_than_the_window_is_refused_with_the_counts(tmp_path):
    with pytest.raises(UserError, match=r"has 60 tokens; with a query of 3 and 4 new ones that is 68.*is 64"):
        baked(tmp_path, llama(), "x" * 60)


def test_a_prompt_that_silences_the_model_is_refused(tmp_path):
    model = llama()
    with torch.no_grad():
        model.model.norm.weight.zero_()
        model.lm_head.weight.zero_()  # every token is equally likely: what is written is not empty
    some = sample(model, TOKENIZER, "U:", ["a1="], per_query=4, max_new_tokens=3, seed=0)
    check_not_empty(TOKENIZER, "U:", some, 0.5)
    silent = [Completion(one.prompt, one.query, (EOS,)) for one in some[:3]] + some[3:]
    with pytest.raises(UserError, match="under the prompt 'U:' 75% of the model's answers are empty"):
        check_not_empty(TOKENIZER, "U:", silent, 0.5)


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
