import math

import numpy as np
import pytest
import torch

from bloomery.models.mag import MagGate, bernoulli_entropy


def make() -> MagGate:
    torch.manual_seed(0)
    return MagGate(4, hidden=6).double()


def test_the_gate_mixes_as_a_numpy_restatement_does():
    gate = make()
    y, m = torch.randn(2, 3, 5, 4, dtype=torch.float64)
    w1, b1, w2, b2 = (p.detach().numpy() for p in gate.parameters())
    hidden = np.maximum(np.concatenate([y, m], axis=-1) @ w1.T + b1, 0)
    g = 1 / (1 + np.exp(-(hidden @ w2.T + b2)))
    found = gate(y, m)
    entropy = -(g * np.log(g) + (1 - g) * np.log(1 - g)).mean(-1)
    np.testing.assert_allclose(found.gate.detach(), g, rtol=1e-12)
    np.testing.assert_allclose(found.output.detach(), g * y.numpy() + (1 - g) * m.numpy(), rtol=1e-12)
    np.testing.assert_allclose(found.entropy.detach(), entropy, rtol=1e-12)


@pytest.mark.parametrize(("bias", "which"), [(60.0, 0), (-60.0, 1)])
def test_a_saturated_gate_passes_one_side_alone(bias, which):
    gate = make()
    with torch.no_grad():
        gate.logit.bias.fill_(bias)
    sides = torch.randn(2, 1, 3, 4, dtype=torch.float64)
    found = gate(*sides)
    torch.testing.assert_close(found.output, sides[which], rtol=1e-12, atol=1e-12)
    assert found.entropy.max() < 1e-20


def test_entropy_is_greatest_at_one_half_and_symmetric():
    logits = torch.linspace(-30, 30, 61, dtype=torch.float64)
    entropy = bernoulli_entropy(logits)
    assert entropy.argmax() == 30
    assert entropy[30].item() == pytest.approx(math.log(2), rel=1e-12)
    torch.testing.assert_close(entropy, entropy.flip(0), rtol=1e-12, atol=0)


@pytest.mark.parametrize("size", [0.0, 10.0, 1000.0])
def test_entropy_and_its_gradient_stay_finite_at_any_logit(size):
    logit = torch.tensor([size, -size], requires_grad=True)
    entropy = bernoulli_entropy(logit)
    (gradient,) = torch.autograd.grad(entropy.sum(), logit)
    assert torch.isfinite(entropy).all()
    assert torch.isfinite(gradient).all()


def test_descending_minus_the_entropy_opens_a_nearly_closed_gate():
    gate = make()
    with torch.no_grad():
        gate.logit.bias.fill_(-4.0)
    y, m = torch.randn(2, 3, 5, 4, dtype=torch.float64)
    before = gate(y, m)
    gradient = torch.autograd.grad(-before.entropy.mean(), gate.logit.bias)[0]
    with torch.no_grad():
        gate.logit.bias -= gradient
    assert (gate(y, m).gate > before.gate).all()


def test_branches_of_different_precision_meet_under_autocast():
    """As where an integer product gives float32 and the layers around it bfloat16, of 8 bits."""
    gate = make().float()
    y, m = torch.randn(2, 3, 5, 4)
    with torch.autocast("cpu", torch.bfloat16):
        found = gate(y, m.bfloat16())
    assert found.output.dtype == torch.float32
    torch.testing.assert_close(found.output, gate(y, m).output, rtol=0, atol=0.1)
