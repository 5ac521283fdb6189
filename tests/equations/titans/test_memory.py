"""Titans' memory against its equations in NumPy, token by token, in float64."""

import numpy as np
import pytest
import torch
from torch import Tensor

from bloomery.models import NeuralMemory
from bloomery.models.linear_attention import linear_attention
from bloomery.models.memory_scan import Memory, Rule, scan
from bloomery.models.surprise import Gates

STEPS, WIDTH = 11, 5
ROUND_OFF = {"atol": 1e-9, "rtol": 1e-9}


def numbers(*shape: int, seed: int) -> np.ndarray:
    return np.random.default_rng(seed).normal(size=shape)


def unit(x: np.ndarray) -> np.ndarray:
    return x / np.linalg.norm(x, axis=-1, keepdims=True)


class Given:
    """Keys, values, queries, gates in (0, 1) and a linear memory, all without special values."""

    def __init__(self) -> None:
        self.k, self.q = unit(numbers(STEPS, WIDTH, seed=1)), unit(numbers(STEPS, WIDTH, seed=2))
        self.v, self.W = numbers(STEPS, WIDTH, seed=3), numbers(WIDTH, WIDTH, seed=4)
        self.theta, self.eta, self.alpha = np.random.default_rng(5).uniform(0.05, 0.6, size=(3, STEPS))


def scanned(given: Given, chunk: int, *, eta: np.ndarray | None, alpha: np.ndarray) -> np.ndarray:
    """Ours: reads (T, K) of a linear memory."""

    def row(x: np.ndarray) -> Tensor:
        return torch.from_numpy(x)[None]

    with np.errstate(divide="ignore"):
        gates = Gates(row(given.theta), None if eta is None else row(np.log(eta)), row(np.log1p(-alpha)))
    chunks = [(slice(s, min(s + chunk, STEPS)), True) for s in range(0, STEPS, chunk)]
    memory = Memory([row(given.W)], [], [])
    reads, _ = scan(
        row(given.q), row(given.k), row(given.v), gates, memory, chunks, Rule("gelu", False, None)
    )
    return reads[0].numpy()


def stepped(given: Given, chunk: int, *, eta: np.ndarray, alpha: np.ndarray) -> np.ndarray:
    """The paper: M_t = (1 - alpha_t) M_{t-1} + S_t, S_t = eta_t S_{t-1} - theta_t 2 (M k - v) k^T."""
    M, S, reads = given.W.copy(), np.zeros_like(given.W), []
    for t in range(STEPS):
        if t % chunk == 0:
            at = M
        gradient = 2 * np.outer(at @ given.k[t] - given.v[t], given.k[t])
        S = eta[t] * S - given.theta[t] * gradient
        M = (1 - alpha[t]) * M + S
        reads.append(M @ given.q[t])
    return np.array(reads)


@pytest.mark.equation("titans", 13)
@pytest.mark.equation("titans", 14)
@pytest.mark.equation("titans", 15)
def test_token_by_token_the_memory_is_the_recurrence():
    g = Given()
    expected = stepped(g, 1, eta=g.eta, alpha=g.alpha)
    np.testing.assert_allclose(scanned(g, 1, eta=g.eta, alpha=g.alpha), expected, **ROUND_OFF)


@pytest.mark.equation("titans", 8)
def test_without_momentum_and_forgetting_it_is_gradient_descent():
    g, none = Given(), np.zeros(STEPS)
    expected = stepped(g, 1, eta=none, alpha=none)
    np.testing.assert_allclose(scanned(g, 1, eta=None, alpha=none), expected, **ROUND_OFF)


@pytest.mark.equation("titans", 9)
@pytest.mark.equation("titans", 10)
def test_without_forgetting_it_is_gradient_descent_with_momentum():
    g, none = Given(), np.zeros(STEPS)
    expected = stepped(g, 1, eta=g.eta, alpha=none)
    np.testing.assert_allclose(scanned(g, 1, eta=g.eta, alpha=none), expected, **ROUND_OFF)


@pytest.mark.equation("titans", 16)
@pytest.mark.parametrize("chunk", [2, 4, 11, 64])
def test_a_chunk_is_the_sum_of_decayed_gradients_at_its_start(chunk):
    """M_t = beta_t M_0 - sum_i theta_i beta_t / beta_i grad_i, beta_t the product of 1 - alpha up to t."""
    g, M, expected = Given(), Given().W, []
    for t in range(STEPS):
        first = t - t % chunk
        if t == first:
            start = M
        beta = np.cumprod(1 - g.alpha[first : t + 1])
        M = beta[-1] * start
        for i in range(first, t + 1):
            gradient = 2 * np.outer(start @ g.k[i] - g.v[i], g.k[i])
            M = M - g.theta[i] * beta[-1] / beta[i - first] * gradient
        expected.append(M @ g.q[t])
    np.testing.assert_allclose(scanned(g, chunk, eta=None, alpha=g.alpha), expected, **ROUND_OFF)


@pytest.mark.equation("titans", 17)
def test_the_last_token_of_a_chunk_has_the_paper_s_matrix_product():
    """sum_i theta_i beta_b / beta_i grad_i = (W_0 K - V) Theta B K^T, times the square's 2."""
    g = Given()
    beta = np.cumprod(1 - g.alpha)
    K, V, weights = g.k.T, g.v.T, np.diag(g.theta * beta[-1] / beta)
    M = beta[-1] * g.W - 2 * (g.W @ K - V) @ weights @ K.T
    found = scanned(g, STEPS, eta=None, alpha=g.alpha)
    np.testing.assert_allclose(found[-1], M @ g.q[-1], **ROUND_OFF)


@pytest.mark.equation("titans", 18)
@pytest.mark.parametrize("chunk", [3, 11])
def test_momentum_over_a_chunk_is_the_linear_recurrence(chunk):
    g = Given()
    expected = stepped(g, chunk, eta=g.eta, alpha=g.alpha)
    np.testing.assert_allclose(scanned(g, chunk, eta=g.eta, alpha=g.alpha), expected, **ROUND_OFF)


@pytest.mark.equation("titans", 32)
@pytest.mark.equation("titans", 33)
def test_a_linear_memory_is_the_written_out_recurrence():
    """S_t = eta S - 2 theta (M k k^T - v k^T); the paper's diagonals are one number a head."""
    g, M, S, expected = Given(), Given().W, np.zeros((WIDTH, WIDTH)), []
    for t in range(STEPS):
        k = g.k[t][:, None]
        S = g.eta[t] * S - 2 * g.theta[t] * (M @ k @ k.T - g.v[t][:, None] @ k.T)
        M = np.diag(np.full(WIDTH, 1 - g.alpha[t])) @ M + S
        expected.append(M @ g.q[t])
    np.testing.assert_allclose(scanned(g, 1, eta=g.eta, alpha=g.alpha), expected, **ROUND_OFF)


@pytest.mark.equation("titans", 34)
def test_without_momentum_and_forgetting_a_linear_memory_is_the_delta_rule():
    """S (I - theta' k k^T) + theta' v k^T."""
    g, M, expected = Given(), Given().W, []
    for t in range(STEPS):
        k, rate = g.k[t], 2 * g.theta[t]
        M = M @ (np.eye(WIDTH) - rate * np.outer(k, k)) + rate * np.outer(g.v[t], k)
        expected.append(M @ g.q[t])
    np.testing.assert_allclose(scanned(g, 1, eta=None, alpha=np.zeros(STEPS)), expected, **ROUND_OFF)


@pytest.mark.equation("titans", 35)
def test_longhorn_is_the_delta_rule_at_an_implicit_rate():
    """delta = theta / (1 + theta k^T k): the exact minimiser of |M - M'|^2 + theta |M k - v|^2."""
    g, M, expected = Given(), Given().W, []
    for t in range(STEPS):
        k, v, theta = g.k[t], g.v[t], g.theta[t]
        inverse = np.linalg.inv(np.eye(WIDTH) + theta * np.outer(k, k))
        M = (M + theta * np.outer(v, k)) @ inverse
        expected.append(M @ g.q[t])
    g.theta = 0.5 * g.theta / (1 + g.theta)  # unit keys
    np.testing.assert_allclose(scanned(g, 1, eta=None, alpha=np.zeros(STEPS)), expected, **ROUND_OFF)


@pytest.mark.equation("titans", 4)
@pytest.mark.equation("titans", 5)
def test_from_nothing_at_half_a_step_in_one_chunk_it_is_linear_attention():
    """M_t = M_{t-1} + v k^T, y_t = M_t q_t, because every gradient at M = 0 is -2 v k^T."""
    g = Given()
    g.W, g.theta = np.zeros_like(g.W), np.full(STEPS, 0.5)
    expected = [sum(g.v[j] * (g.k[j] @ g.q[t]) for j in range(t + 1)) for t in range(STEPS)]
    np.testing.assert_allclose(scanned(g, STEPS, eta=None, alpha=np.zeros(STEPS)), expected, **ROUND_OFF)


@pytest.mark.equation("titans", 3)
@pytest.mark.parametrize("phi", [None, torch.exp])
def test_linear_attention_is_two_running_sums(phi):
    g, total, size, expected = Given(), np.zeros((WIDTH, WIDTH)), np.zeros(WIDTH), []
    elu = np.vectorize(lambda x: np.exp(x) if x < 0 else 1 + x)
    feature = elu if phi is None else np.exp
    for q, k, v in zip(feature(g.q), feature(g.k), g.v, strict=True):
        total, size = total + np.outer(k, v), size + k
        expected.append(q @ total / (q @ size))
    found = linear_attention(*(torch.from_numpy(t) for t in (g.q, g.k, g.v)), phi)
    np.testing.assert_allclose(found.numpy(), expected, **ROUND_OFF)


def layer(**options) -> NeuralMemory:
    torch.manual_seed(1)
    memory = NeuralMemory(8, chunk_size=4, max_lr=0.3, **options).double()
    with torch.no_grad():
        for parameter in memory.parameters():  # no special values
            parameter.add_(0.2 * torch.randn_like(parameter))
    return memory


def tokens(steps: int = 13, dtype: torch.dtype = torch.float64) -> Tensor:
    return torch.randn(2, steps, 8, generator=torch.Generator().manual_seed(2), dtype=dtype)


@pytest.mark.equation("titans", 6)
@pytest.mark.equation("titans", 7)
@pytest.mark.parametrize("depth", [1, 2, 4])
@pytest.mark.parametrize("cut", [1, 4, 6, 12])
def test_writing_then_reading_on_is_one_call(depth, cut):
    """M_t = f(M_{t-1}, x_t), y_t = g(M_t, x_t): the state holds all that the past leaves."""
    m, x = layer(depth=depth), tokens()
    whole, _ = m(x)
    first, state = m(x[:, :cut])
    second, _ = m(x[:, cut:], state)
    torch.testing.assert_close(torch.cat((first, second), 1), whole, atol=1e-10, rtol=1e-10)


LARGEST = {1: (0.04, 0.12), 2: (0.045, 0.16)}  # by depth; measured 0.0375, 0.111 and 0.0428, 0.153


@pytest.mark.equation("titans", 16)
@pytest.mark.parametrize("depth", LARGEST)
def test_larger_chunks_depart_from_token_by_token_by_the_stated_size(depth, record_property):
    """Outputs of fresh layers of width 32 with chunks of 4 and 16 tokens, relative to chunks of 1."""
    x = torch.randn(2, 64, 32, generator=torch.Generator().manual_seed(5), dtype=torch.float64)

    def departure(chunk: int, share: float) -> float:
        outputs = []
        for size in (1, chunk):
            torch.manual_seed(0)
            m = NeuralMemory(32, depth=depth, chunk_size=size, max_lr=0.1 * share).double()
            outputs.append(m(x)[0].detach())
        return float((outputs[1] - outputs[0]).norm() / outputs[0].norm())

    sizes = [departure(chunk, 1.0) for chunk in (4, 16)]
    record_property("departure", sizes)
    assert 1e-6 < sizes[0] < LARGEST[depth][0]
    assert sizes[0] < sizes[1] < LARGEST[depth][1]
    assert departure(4, 0.25) < 0.4 * sizes[0]  # it vanishes with the step


def test_a_sequence_shorter_than_a_chunk_is_written():
    m = layer()
    _, state = m(tokens(3))
    assert (state.weights - m.initial).abs().max() > 1e-3
    assert state.position.tolist() == [3, 3]


@pytest.mark.parametrize("dtype", [torch.bfloat16, torch.float16])
def test_half_precision_carries_its_memory_in_single(dtype):
    m, x = layer(), tokens()
    exact, _ = m(x)
    out, state = m.to(dtype)(x.to(dtype))
    assert (out.dtype, state.weights.dtype) == (dtype, torch.float32)
    assert (out.double() - exact).abs().max() < 0.1 * exact.abs().max()  # bf16 has 3 digits


@pytest.mark.parametrize("depth", [1, 2, 4])
def test_weights_beyond_the_largest_norm_are_scaled_back_at_the_end_of_a_chunk(depth):
    free, bound = layer(depth=depth, max_norm=None), layer(depth=depth, max_norm=0.5)
    x = 3 * tokens(8)
    _, open_state = free(x[:, :4])
    _, state = bound(x[:, :4])
    for before, after in zip(
        free._unflatten(open_state.weights), bound._unflatten(state.weights), strict=True
    ):
        size, limit = before.flatten(1).norm(dim=1), 0.5 * before.shape[1] ** 0.5
        assert (size > limit).all()
        torch.testing.assert_close(after, before * (limit / size).view(-1, 1, 1), atol=1e-12, rtol=1e-12)


def test_scaling_back_is_the_same_however_the_sequence_is_split():
    m, x = layer(max_norm=0.5), 3 * tokens()
    whole, state = m(x)
    parts, streamed = [], None
    for part in x.split([1, 4, 5, 3], dim=1):
        out, streamed = m(part, streamed)
        parts.append(out)
    torch.testing.assert_close(torch.cat(parts, 1), whole, atol=1e-10, rtol=1e-10)
    torch.testing.assert_close(streamed.weights, state.weights, atol=1e-10, rtol=1e-10)


def test_the_default_bound_touches_no_memory_in_its_usual_range():
    x = tokens(64, torch.float32)
    bound, free = layer().float(), layer(max_norm=None).float()
    assert bound.max_norm == 16.0
    assert torch.equal(bound(x)[0], free(x)[0])


@pytest.mark.parametrize("depth", [2, 4])
def test_the_bound_alone_keeps_4096_equal_tokens_at_the_largest_steps_finite(depth):
    def weights(max_norm: float | None) -> Tensor:
        torch.manual_seed(0)
        m = NeuralMemory(8, depth=depth, max_lr=1.0, max_surprise=None, max_norm=max_norm, chunk_size=64)
        with torch.no_grad():
            m.to_gates.bias.copy_(torch.tensor([10.0, -10.0, 3.0]))
            return m(torch.randn(1, 1, 8).expand(1, 4096, 8))[1].weights

    assert weights(16.0).abs().max() < 1e3
    assert not weights(None).abs().max() < 1e20


def test_initial_weights_are_learned_unless_told_otherwise():
    x = tokens()
    for learn in (True, False):
        m = layer(learn_initial=learn)
        m(x)[0].sum().backward()
        assert (m.initial.grad is not None) == learn
        assert "initial" in m.state_dict()


def test_a_depth_or_chunk_of_nothing_is_refused():
    with pytest.raises(ValueError, match="depth 0 and chunk_size 4"):
        NeuralMemory(8, depth=0, chunk_size=4)
