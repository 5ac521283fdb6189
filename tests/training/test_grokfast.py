import cmath
import math

import numpy as np
import pytest
import torch
from torch import nn

from bloomery.training.grokfast import gradfilter


def filtered(gradients, alpha, lam):
    """The filter's output for a sequence of scalar gradients, in float64."""
    slow, outputs = None, []
    for gradient in gradients:
        g = torch.tensor(gradient, dtype=torch.float64)
        slow = gradfilter(g, slow, alpha=alpha, lam=lam)
        outputs.append(g.item())
    return outputs


def gain(frequency, alpha, lam, steps=4000):
    """The amplitude and phase that the filter gives a complex wave, once its start has faded."""
    wave = [cmath.exp(1j * frequency * n) for n in range(steps)]
    real = filtered([w.real for w in wave], alpha, lam)
    imaginary = filtered([w.imag for w in wave], alpha, lam)
    return complex(real[-1], imaginary[-1]) / wave[-1]


@pytest.mark.equation("grokfast", "U5", oracle="closed form")
@pytest.mark.parametrize(("alpha", "lam"), [(0.98, 0.3), (0.98, 2.0), (0.9, 5.0)])
@pytest.mark.parametrize("frequency", [0.0, 0.01, 0.1, 1.0, math.pi])
def test_the_frequency_response_is_that_of_the_transfer_function(alpha, lam, frequency):
    z = cmath.exp(1j * frequency)
    expected = 1 + lam * (1 - alpha) / (1 - alpha / z)
    assert abs(gain(frequency, alpha, lam) - expected) < 1e-9  # float64; the start fades as alpha ** 4000


@pytest.mark.equation("grokfast", "U5", oracle="limit")
def test_slow_gradients_are_amplified_and_fast_ones_are_not():
    slow, fast = abs(gain(0.0, 0.98, 2.0)), abs(gain(math.pi, 0.98, 2.0))
    assert slow == pytest.approx(3.0)
    assert fast == pytest.approx(1 + 2 * 0.02 / 1.98)


@pytest.mark.equation("grokfast", "U1", "U4", oracle="float64 NumPy")
def test_each_gradient_gets_the_convolution_of_all_before_with_the_kernel():
    alpha, lam = 0.8, 2.5
    gradients = np.random.default_rng(0).normal(size=20)
    kernel = lam * (1 - alpha) * alpha ** np.arange(20)
    expected = []
    for n, gradient in enumerate(gradients):
        slow = sum(kernel[n - k] * gradients[k] for k in range(n + 1))
        # the mean starts at the first gradient, as if that had always been there
        expected.append(gradient + slow + lam * alpha ** (n + 1) * gradients[0])
    assert filtered(gradients, alpha, lam) == pytest.approx(expected, rel=1e-12)  # float64


@pytest.mark.equation("grokfast", "U3", oracle="closed form")
def test_the_mean_starts_at_the_first_gradient():
    assert filtered([1.0, 4.0], alpha=0.75, lam=2.0) == [3.0, 7.5]


def test_no_amplification_leaves_the_gradient_as_it_is():
    assert filtered([1.0, -2.0, 3.0], alpha=0.9, lam=0.0) == [1.0, -2.0, 3.0]


def gradfilter_ema(model, grads, alpha, lamb):
    """The published procedure, restated: means by parameter name, on all parameters at once."""
    if grads is None:
        grads = {n: p.grad.data.detach() for n, p in model.named_parameters() if p.requires_grad}
    for n, p in model.named_parameters():
        if p.requires_grad:
            grads[n] = grads[n] * alpha + p.grad.data.detach() * (1 - alpha)
            p.grad.data = p.grad.data + grads[n] * lamb
    return grads


@pytest.mark.equation("grokfast", "U3", oracle="released code")
def test_the_filter_gives_the_published_gradients_over_many_steps():
    torch.manual_seed(0)
    model, grads, slow = nn.Sequential(nn.Linear(3, 5), nn.Linear(5, 2)), None, {}
    for _ in range(30):
        model.zero_grad()
        model(torch.randn(7, 3)).square().mean().backward()
        ours = {name: p.grad.clone() for name, p in model.named_parameters()}
        grads = gradfilter_ema(model, grads, 0.98, 2.0)
        for name, p in model.named_parameters():
            slow[name] = gradfilter(ours[name], slow.get(name), alpha=0.98, lam=2.0)
            torch.testing.assert_close(ours[name], p.grad, rtol=1e-6, atol=1e-7)  # fused multiply-add rounds
