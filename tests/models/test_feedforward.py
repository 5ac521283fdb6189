"""SwiGLU against NumPy in float64."""

import numpy as np
import torch

from bloomery.models.feedforward import SwiGLU


def test_swiglu_is_what_numpy_says():
    torch.manual_seed(0)
    module, x = SwiGLU(6, 10), torch.randn(3, 6)
    gate, up, down = (p.weight.detach().numpy().astype(np.float64) for p in module.children())
    u = x.numpy().astype(np.float64)
    g = u @ gate.T
    expected = (g / (1 + np.exp(-g)) * (u @ up.T)) @ down.T
    np.testing.assert_allclose(module(x).detach().numpy(), expected, atol=1e-6)  # float32 sums of 10 terms


def test_a_closed_gate_passes_nothing():
    module = SwiGLU(4, 8)
    torch.nn.init.zeros_(module.gate_proj.weight)
    assert module(torch.randn(2, 4)).abs().max() == 0
