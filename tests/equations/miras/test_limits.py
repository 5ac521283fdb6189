"""What MIRAS memories become in their limits, and chunks of them as the matrix products of the paper."""

import pytest
import torch
from torch import Tensor
from torch.nn import functional

from bloomery.models.memory_scan import Memory, Rule
from bloomery.models.memory_scan import scan as titans_scan
from bloomery.models.miras_bias import L2, Dot, Huber, Lp
from bloomery.models.miras_retention import Decay, NormRetention, Softmax
from bloomery.models.miras_scan import Accumulators, MirasGates, MirasRule, boundaries, scan
from bloomery.models.surprise import Gates

STEPS = 13
EXACT = {"atol": 1e-9, "rtol": 1e-9}  # round-off alone


class Given:
    """Unit keys and queries, values, gates and a matrix, one row."""

    def __init__(self) -> None:
        draw = torch.Generator().manual_seed(7)
        self.q, self.k, self.v = torch.randn(3, 1, STEPS, 4, generator=draw, dtype=torch.float64)
        self.q, self.k = functional.normalize(self.q, dim=-1), functional.normalize(self.k, dim=-1)
        self.eta, self.alpha = 0.05 + 0.4 * torch.rand(2, 1, STEPS, generator=draw, dtype=torch.float64)
        self.alpha = 1 - 0.5 * self.alpha
        self.W = torch.randn(1, 4, 4, generator=draw, dtype=torch.float64)


def run(g: Given, bias, keep, chunk: int, *, A=None, delta: float = 1.0) -> tuple[Tensor, Accumulators]:
    A = g.W if A is None else A
    gates = MirasGates(g.eta[..., None], g.alpha.log()[..., None], torch.full_like(g.eta, delta)[..., None])
    counts = torch.ones(1, STEPS, dtype=torch.bool)
    spans = boundaries(torch.zeros(1, dtype=torch.long), counts, chunk, keep.lag)
    rule = MirasRule("gelu", False, bias, keep, None)
    return scan(g.q, g.k, g.v, gates, Accumulators([A], [A]), spans, rule)


@pytest.mark.equation("miras", 24)
@pytest.mark.parametrize("exact", [False, True])
@pytest.mark.parametrize("chunk", [1, 4, 16])
def test_at_p_and_q_2_moneta_is_titans_without_momentum(exact, chunk):
    g = Given()
    chunks = [(slice(s, min(s + chunk, STEPS)), True) for s in range(0, STEPS, chunk)]
    gates, titans = Gates(g.eta, None, g.alpha.log()), Rule("gelu", False, None)
    expected, after = titans_scan(g.q, g.k, g.v, gates, Memory([g.W], [], []), chunks, titans)
    found, memory = run(g, Lp(2.0, sharpness=None), NormRetention(2.0, exact), chunk)
    torch.testing.assert_close(found, expected, **EXACT)
    torch.testing.assert_close(memory.now[0], after.weights[0], **EXACT)


@pytest.mark.equation("miras", 9)
def test_l2_and_decay_are_the_gated_delta_rule():
    """M_t = M (alpha I - 2 eta k k^T) + 2 eta v k^T."""
    g, expected = Given(), []
    M = g.W[0]
    for q, k, v, eta, alpha in zip(g.q[0], g.k[0], g.v[0], g.eta[0], g.alpha[0], strict=True):
        M = M @ (alpha * torch.eye(4).double() - 2 * eta * torch.outer(k, k)) + 2 * eta * torch.outer(v, k)
        expected.append(M @ q)
    torch.testing.assert_close(run(g, L2(), Decay(), 1)[0][0], torch.stack(expected), **EXACT)


@pytest.mark.equation("miras", 3)
@pytest.mark.equation("miras", 8)
@pytest.mark.parametrize("chunk", [1, 4])
def test_the_dot_product_and_decay_are_gated_linear_attention(chunk):
    """y_t = sum_j (alpha_{j+1} ... alpha_t) eta_j v_j (k_j . q_t), whatever the chunk."""
    g, expected = Given(), []
    for t in range(STEPS):
        fade = [
            g.alpha[0, j + 1 : t + 1].prod() * g.eta[0, j] * (g.k[0, j] @ g.q[0, t]) for j in range(t + 1)
        ]
        expected.append(sum(f * g.v[0, j] for j, f in enumerate(fade)))
    found, _ = run(g, Dot(), Decay(), chunk, A=torch.zeros_like(g.W))
    torch.testing.assert_close(found[0], torch.stack(expected), **EXACT)


@pytest.mark.equation("miras", 26)
@pytest.mark.parametrize("form", ["norm", "mixed", "coordinate"])
@pytest.mark.parametrize("chunk", [1, 4])
def test_with_an_endless_threshold_yaad_is_l2_at_half_the_step(form, chunk):
    """M_t = alpha M_{t-1} - eta (M_b k - v) k^T, where M_b is the memory that the chunk began with."""
    g = Given()
    found, _ = run(g, Huber(form), Decay(), chunk, delta=1e9)
    near, _ = run(g, Huber(form), Decay(), chunk, delta=0.5)
    M = began = g.W[0]
    expected = []
    for t, (q, k, v) in enumerate(zip(g.q[0], g.k[0], g.v[0], strict=True)):
        began = M if t % chunk == 0 else began
        M = g.alpha[0, t] * M - g.eta[0, t] * torch.outer(began @ k - v, k)
        expected.append(M @ q)
    torch.testing.assert_close(found[0], torch.stack(expected), **EXACT)
    assert not torch.allclose(near, found)


@pytest.mark.equation("miras", 28)
@pytest.mark.equation("miras", 29)
@pytest.mark.parametrize("p", [2.0, 3.0])
def test_a_chunk_of_moneta_without_a_norm_is_the_printed_matrix_product(p):
    """beta_b W_0 - (p E B Sign(W_0 K - V) |W_0 K - V|^(p-1)) K^T."""
    g = Given()
    K, V, beta = g.k[0].T, g.v[0].T, g.alpha[0].cumprod(0)
    e = g.W[0] @ K - V
    expected = beta[-1] * g.W[0] - (p * g.eta[0] * (beta[-1] / beta) * e.sign() * e.abs() ** (p - 1)) @ K.T
    _, memory = run(g, Lp(p, sharpness=None), Decay(), 16)
    torch.testing.assert_close(memory.now[0][0], expected, **EXACT)


@pytest.mark.equation("miras", 30)
@pytest.mark.equation("miras", 31)
@pytest.mark.equation("miras", 32)
def test_a_chunk_of_memora_is_a_lag_token_and_a_matrix_product():
    """W_1 = Softmax(alpha_1 log W_0 - eta_1 grad(W_0)); then the sum of E B (W_1 K - V) K^T, times l2's 2."""
    g = Given()
    W0 = g.W[0].softmax(-1)
    step = 2 * g.eta[0, 0] * torch.outer(W0 @ g.k[0, 0] - g.v[0, 0], g.k[0, 0])
    W1 = (g.alpha[0, 0] * W0.log() - step).softmax(-1)
    K, V, beta = g.k[0, 1:].T, g.v[0, 1:].T, g.alpha[0, 1:].cumprod(0)
    A = beta[-1] * W1.log() - (2 * g.eta[0, 1:] * (beta[-1] / beta) * (W1 @ K - V)) @ K.T
    found, memory = run(g, L2(), Softmax(), 16, A=W0.log()[None])
    torch.testing.assert_close(memory.now[0][0], A, **EXACT)
    torch.testing.assert_close(found[0, 0], W1 @ g.q[0, 0], **EXACT)
    torch.testing.assert_close(
        run(g, L2(), Softmax(), STEPS, A=W0.log()[None])[0][0, -1], A.softmax(-1) @ g.q[0, -1]
    )
