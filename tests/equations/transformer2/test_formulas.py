"""Singular directions, the objective of an expert and the mixture of experts, as the paper writes them."""

import numpy as np
import pytest
import torch
from torch import nn

from bloomery.forge.experts.cem import cross_entropy_method
from bloomery.forge.experts.settings import TeachConfig
from bloomery.forge.experts.teaching import Pupil, reinforce
from bloomery.forge.experts.writing import Prompt, sampled
from bloomery.models.packed.experts import ExpertSet
from bloomery.models.packed.svf import directions
from bloomery.tasks.task import Example
from bloomery.tasks.tokenizer import train_tokenizer
from tests.forge.experts.five_words import learner

FLOAT32 = {"rtol": 1e-5, "atol": 1e-5}


def layer():
    torch.manual_seed(0)
    return nn.Linear(7, 5)


@pytest.mark.equation("transformer2", "3.1a", oracle="NumPy float64")
def test_a_layer_is_the_sum_of_its_singular_components():
    """y = sum_i sigma_i u_i v_i^T x, term by term, on orthonormal u and v, the largest sigma first."""
    given = layer()
    U, S, V = (part.double().numpy() for part in directions(given, None))
    x = np.random.default_rng(1).standard_normal(7)
    y = sum(S[i] * U[:, i] * (V[:, i] @ x) for i in range(5))
    np.testing.assert_allclose(y, given.weight.detach().double().numpy() @ x, **FLOAT32)
    for part in (U, V):
        np.testing.assert_allclose(part.T @ part, np.eye(5), **FLOAT32)
    assert (np.diff(S) < 0).all()
    assert (S > 0).all()


@pytest.mark.equation("transformer2", "3.1a", oracle="closed form")
@pytest.mark.parametrize("rank", [1, 3, 5])
def test_what_a_rank_leaves_out_is_as_large_as_the_singular_values_left_out(rank):
    """Eckart and Young: |W - U S V^T|^2 is the sum of the other sigma^2; at the full rank nothing."""
    W = layer().weight.detach().double().numpy()
    U, S, V = (part.double().numpy() for part in directions(layer(), rank))
    assert S.shape == (rank,)
    left = np.linalg.norm(W - U @ np.diag(S) @ V.T)
    others = np.linalg.svd(W, compute_uv=False)[rank:]
    np.testing.assert_allclose(left, np.sqrt((others**2).sum()), **FLOAT32)


def deltas():
    return torch.tensor([[1.0, -0.5, 0.25], [0.5, 2.0, -0.75]])


def experts(**changes):
    given = {"mixture": torch.tensor([0.5, 0.5]), "strengths": torch.ones(2), **changes}
    return ExpertSet(names=("a", "b"), ranks={"x": 2, "y": 1}, deltas=deltas(), **given)


@pytest.mark.equation("transformer2", "3.3a", oracle="closed form")
@pytest.mark.parametrize("weights", [(0.25, 0.75), (1.0, 0.0), (-1.0, 2.0)])
def test_weights_that_sum_to_1_mix_the_vectors_themselves(weights):
    z = 1 + deltas().double().numpy()
    expected = weights[0] * z[0] + weights[1] * z[1]
    np.testing.assert_allclose(1 + experts().delta(weights).numpy(), expected, rtol=1e-6)


def test_weights_of_0_are_the_model_without_experts_where_the_papers_sum_has_no_singular_values():
    assert not experts().delta((0.0, 0.0)).any()


def log_chances(model, ids):
    """Of every word after each of these tokens. Shapes: -> (T, V)"""
    with torch.no_grad():
        return model(torch.tensor([ids])).logits[0].double().log_softmax(-1).numpy()


@pytest.mark.equation("transformer2", 1, oracle="NumPy float64")
@pytest.mark.parametrize("kl", [0.0, 0.7])
def test_the_loss_of_an_expert_is_minus_its_objective(kl):
    """E[log pi(y | x) (r - b)] - lambda KL(pi || pi_0), answer by answer and token by token: r is +1 for the
    right answer and else -1, b the mean of the prompt's other two; KL is a mean over the written tokens."""
    model, attached = learner()
    tokenizer, config = train_tokenizer([]), TeachConfig(samples=3, kl=kl)
    unasked = Example("", "", 1)
    asked = (([1, 3], [4]), ([1, 4, 3], [3, 2]), ([1, 0], [0]))
    prompts = [Prompt(ids, answer, unasked) for ids, answer in asked]
    asked = [one for one in prompts for _ in range(3)]
    torch.manual_seed(11)
    answers = sampled(model, tokenizer, [one.ids for one in asked], max_new_tokens=2)
    torch.manual_seed(11)
    found = reinforce(Pupil(model, attached), prompts, tokenizer=tokenizer, config=config)

    r = np.array([1.0 if text == one.answer else -1.0 for text, one in zip(answers, asked, strict=True)])
    assert set(r) == {1.0, -1.0}
    log_pi, gaps = [], []
    for one, text in zip(asked, answers, strict=True):
        line, at = [*one.ids, *text], len(one.ids) - 1
        now = log_chances(model, line)[at:-1]
        with attached.off():
            before = log_chances(model, line)[at:-1]
        log_pi.append(sum(row[word] for row, word in zip(now, text, strict=True)))
        gaps += [(np.exp(p) * (p - q)).sum() for p, q in zip(now, before, strict=True)]
    others = (r.reshape(3, 3).sum(1, keepdims=True) - r.reshape(3, 3)) / 2
    objective = np.mean((r - others.flatten()) * log_pi) - kl * np.mean(gaps)
    assert np.mean(gaps) > 0.01
    assert float(found.loss.detach()) == pytest.approx(-objective, rel=1e-4)  # float32 in the model
    assert found.metrics["reward"] == pytest.approx(r.mean())


@pytest.mark.equation("transformer2", "3.1b", oracle="NumPy float64")
@pytest.mark.parametrize("noise", [0.0, 0.1])
def test_each_generation_is_drawn_around_the_elite_of_the_one_before(monkeypatch, noise):
    """Mean and deviation of the best fifth (6 of 32); the paper has no noise beside it."""
    monkeypatch.setattr("bloomery.forge.experts.cem.NOISE", noise)
    judged = []

    def judge(weights):
        judged.append(weights)
        return -((weights[0] - 0.8) ** 2) - (weights[1] - 0.3) ** 2

    best = cross_entropy_method(judge, 2, seed=5, generations=4)
    normal = np.random.default_rng(5).standard_normal((4, 32, 2))
    mean, spread, expected = 0.5, 0.5, []
    for number in range(4):
        drawn = np.clip(mean + spread * normal[number], 0, 1)
        expected.append(drawn)
        elite = drawn[np.argsort(((drawn - [0.8, 0.3]) ** 2).sum(1))[:6]]
        mean, spread = elite.mean(0), elite.std(0) + noise * max(0, 1 - number / 2)
    np.testing.assert_allclose(judged, np.concatenate(expected), atol=1e-12)
    nearest = min(judged, key=lambda weights: (weights[0] - 0.8) ** 2 + (weights[1] - 0.3) ** 2)
    assert best.weights == nearest
