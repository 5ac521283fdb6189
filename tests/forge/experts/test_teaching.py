"""Teaching an expert: an unbiased policy gradient, a KL that is zero at the identity, and stops."""

import math
from itertools import product

import pytest
import torch

from bloomery.core.step import Paused, StepContext
from bloomery.forge.experts.cells import cells, freeze, sat
from bloomery.forge.experts.settings import TeachConfig
from bloomery.forge.experts.teaching import leave_one_out, policy, policy_loss, rows_of, teach
from bloomery.forge.experts.writing import sampled, written
from bloomery.forge.folders import load_model
from bloomery.forge.settings import ExamConfig
from bloomery.models.packed.svf import Attached, linear_layers
from bloomery.tasks.tokenizer import train_tokenizer
from tests.forge.experts.five_words import WORDS, learner
from tests.forge.experts.planted import MIXTURE

EXAM = ExamConfig(selection=24, test=24)


@pytest.fixture
def bandit():
    return learner()


def bandit_rows(tokenizer):
    return rows_of([[1, 3]] * WORDS, [[word] for word in range(WORDS)], tokenizer)


def test_the_policy_gradient_is_on_average_that_of_the_expected_reward(bandit):
    """Over all pairs of samples, each as probable as the policy draws it. 1e-5: sums of float32."""
    model, attached = bandit
    chosen, _ = policy(model, attached, bandit_rows(train_tokenizer([])))
    rewards = torch.tensor([1.0, -1.0, 1.0, -1.0, -1.0])
    p = chosen.detach().exp()
    assert float(p.sum()) == pytest.approx(1.0, abs=1e-5)
    estimate = sum(
        p[a] * p[b] * policy_loss(rewards[[a, b]][None], chosen[[a, b]])
        for a, b in product(range(WORDS), repeat=2)
    )
    ours = torch.autograd.grad(estimate, attached.parameters(), retain_graph=True)
    exact = torch.autograd.grad(-(chosen.exp() * rewards).sum(), attached.parameters())
    for one, other in zip(ours, exact, strict=True):
        torch.testing.assert_close(one, other, rtol=1e-4, atol=1e-5)
    assert max(float(one.abs().max()) for one in exact) > 1e-3


def test_the_baseline_of_a_sample_is_the_mean_of_the_others():
    rewards = torch.tensor([[1.0, -1.0, -1.0], [1.0, 1.0, 1.0]])
    expected = torch.tensor([[2.0, -1.0, -1.0], [0.0, 0.0, 0.0]])
    torch.testing.assert_close(leave_one_out(rewards), expected)


def test_the_kl_is_the_sum_over_the_vocabulary_and_zero_at_the_identity(bandit):
    model, attached = bandit
    batch = bandit_rows(train_tokenizer([]))
    ids = batch["input_ids"][:1, :2]
    now = model(ids).logits[0, -1].detach().double().log_softmax(-1)
    with attached.off():
        before = model(ids).logits[0, -1].detach().double().log_softmax(-1)
    expected = float((now.exp() * (now - before)).sum())
    assert policy(model, attached, batch)[1].item() == pytest.approx(expected, rel=1e-4)
    assert expected > 1e-3
    attached.learn()
    assert policy(model, attached, batch)[1].item() == 0.0


def test_answers_are_drawn_as_the_model_weighs_them(bandit):
    """Four standard errors of 1000 draws."""
    model, attached = bandit
    tokenizer = train_tokenizer([])
    p = policy(model, attached, bandit_rows(tokenizer))[0].detach().exp()
    torch.manual_seed(1)
    drawn = [one[0] for one in sampled(model, tokenizer, [[1, 3]] * 1000, max_new_tokens=1)]
    for word in range(WORDS):
        expected = float(p[word])
        assert abs(drawn.count(word) / 1000 - expected) < 4 * math.sqrt(expected * (1 - expected) / 1000)


def test_confidence_is_the_probability_of_what_was_written(bandit):
    model, attached = bandit
    tokenizer = train_tokenizer([])
    (one,) = written(model, tokenizer, [[1, 3]], max_new_tokens=1)
    p = policy(model, attached, bandit_rows(tokenizer))[0].detach().exp()
    assert one.ids == [int(p.argmax())]
    assert one.confidence == pytest.approx(float(p.max()), rel=1e-5)


@pytest.fixture
def pupil(torn, planted):
    model, tokenizer = load_model(torn)
    freeze(model)
    return model, tokenizer, Attached(model, dict.fromkeys(linear_layers(model)))


def context_in(folder, **options):
    for name in ("output", "checkpoint"):
        (folder / name).mkdir(parents=True, exist_ok=True)
    return StepContext(output=folder / "output", checkpoint=folder / "checkpoint", **options)


def rate(pupil, cell):
    model, tokenizer, _ = pupil
    return sum(right for right, _ in sat(model, tokenizer, cell.examples)) / len(cell.examples)


@pytest.mark.parametrize("objective", ["reinforce", "supervised"])
def test_an_expert_learns_its_kind_at_the_cost_of_the_other(pupil, tmp_path, objective):
    """From about one half on both; thirty steps are half of what the stage takes."""
    given = cells(MIXTURE, EXAM, "selection")
    first, last = given[0], given[-1]
    config = TeachConfig(objective=objective, steps=30, lr=4e-2, kl=0.0)
    delta = teach(context_in(tmp_path), *pupil, [first], config, name="e", seed=1)
    pupil[2].put(delta)
    assert rate(pupil, first) > 0.8
    assert rate(pupil, last) < 0.4


def test_a_stop_changes_no_bit_of_the_expert(pupil, tmp_path):
    given = cells(MIXTURE, EXAM, "selection")[:1]
    config = TeachConfig(steps=6, prompts=4, samples=2, checkpoint_every=2)
    whole = teach(context_in(tmp_path / "whole"), *pupil, given, config, name="e", seed=1)
    asked = iter([False, False, True])
    stopped = context_in(tmp_path / "parts", stopping=lambda: next(asked, True))
    with pytest.raises(Paused, match="step 3 of 6"):
        teach(stopped, *pupil, given, config, name="e", seed=1)
    parts = teach(context_in(tmp_path / "parts"), *pupil, given, config, name="e", seed=1)
    assert torch.equal(whole, parts)
    assert float(whole.abs().max()) > 0


def test_a_heavy_kl_holds_the_expert_back(pupil, tmp_path):
    given = cells(MIXTURE, EXAM, "selection")[:1]
    free, held = (
        teach(
            context_in(tmp_path / str(kl)), *pupil, given,
            TeachConfig(objective="supervised", steps=10, prompts=8, kl=kl), name="e", seed=1,
        )
        for kl in (0.0, 30.0)
    )  # fmt: skip
    assert held.norm() < 0.7 * free.norm()


def test_only_the_vectors_move(pupil, tmp_path):
    before = {name: tensor.clone() for name, tensor in pupil[0].state_dict().items()}
    given = cells(MIXTURE, EXAM, "selection")[:1]
    teach(context_in(tmp_path), *pupil, given, TeachConfig(steps=2, prompts=2, samples=2), name="e", seed=1)
    assert all(torch.equal(before[name], now) for name, now in pupil[0].state_dict().items())
