import pytest
import torch
from torch import Tensor

from bloomery.models.memory_scan import Memory, Rule, scan
from bloomery.models.surprise import Gates, coefficients, decay_matrix

N, G, K = 2, 12, 4
LINEAR = Rule("gelu", False, None)
NEVER = torch.full((N, G), -torch.inf, dtype=torch.float64)  # log of a gate at 0
ALWAYS = torch.zeros(N, G, dtype=torch.float64)  # log of a gate at 1


def random(*shape: int) -> Tensor:
    return torch.randn(*shape, generator=torch.Generator().manual_seed(sum(shape)), dtype=torch.float64)


def qkv() -> tuple[Tensor, Tensor, Tensor]:
    q, k, v = random(3, N, G, K)
    return q, k / k.norm(dim=-1, keepdim=True), v


def chunks(size: int):
    return [(slice(s, s + size), True) for s in range(0, G, size)]


def zeros() -> Memory:
    return Memory([torch.zeros(N, K, K, dtype=torch.float64)], [], [])


@pytest.mark.equation("titans", 13)
def test_without_momentum_or_forgetting_one_chunk_is_linear_attention():
    q, k, v = qkv()
    theta = random(N, G).sigmoid()
    out, _ = scan(q, k, v, Gates(theta, NEVER, ALWAYS), zeros(), chunks(G), LINEAR)
    scores = torch.einsum("ntk,nik->nti", q, k).tril()
    torch.testing.assert_close(out, torch.einsum("nti,ni,nik->ntk", scores, 2 * theta, v))


@pytest.mark.equation("titans", 13)
def test_without_momentum_or_forgetting_chunks_of_one_are_the_delta_rule():
    q, k, v = qkv()
    out, memory = scan(q, k, v, Gates(ALWAYS + 0.5, NEVER, ALWAYS), zeros(), chunks(1), LINEAR)
    for row in range(N):
        W = torch.zeros(K, K, dtype=torch.float64)
        for t in range(G):  # theta 1/2: each write makes W k exactly v
            W = W + torch.outer(v[row, t] - W @ k[row, t], k[row, t])
            torch.testing.assert_close(out[row, t], W @ q[row, t])
        torch.testing.assert_close(W @ k[row, -1], v[row, -1])
        torch.testing.assert_close(memory.weights[0][row], W)


@pytest.mark.equation("titans", 14)
@pytest.mark.parametrize("fused", [True, False])
def test_alpha_one_forgets_all(fused):
    q, k, v = qkv()
    theta, log_keep = random(N, G).sigmoid(), -random(N, G).sigmoid()
    theta[:, 5], log_keep[:, 5] = 0.0, -torch.inf
    rule = LINEAR._replace(fused=fused)
    before = Memory([random(N, K, K)], [], [])
    out, _ = scan(q, k, v, Gates(theta, NEVER, log_keep), before, chunks(1), rule)
    assert torch.equal(out[:, 5], torch.zeros_like(out[:, 5]))
    rest = Gates(theta[:, 6:], NEVER[:, 6:], log_keep[:, 6:])
    alone, _ = scan(q[:, 6:], k[:, 6:], v[:, 6:], rest, zeros(), chunks(1)[: G - 6], rule)
    assert torch.equal(out[:, 6:], alone)


@pytest.mark.equation("titans", 13)
def test_eta_one_keeps_every_surprise_for_ever():
    q, k, v = qkv()
    theta = random(N, G).sigmoid()
    out, _ = scan(q, k, v, Gates(theta, ALWAYS, ALWAYS), zeros(), chunks(G), LINEAR)
    age = torch.arange(G)[:, None] - torch.arange(G)[None] + 1.0  # a surprise enters again at each token
    scores = torch.einsum("ntk,nik->nti", q, k) * age.clamp(min=0)
    torch.testing.assert_close(out, torch.einsum("nti,ni,nik->ntk", scores, 2 * theta, v))


def test_decays_are_exact_where_a_ratio_of_products_would_be_0_over_0():
    log_decay = torch.tensor([0.0, -200.0, -200.0, -0.25, -0.5])  # exp(-400) is 0 in single precision
    D = decay_matrix(log_decay)
    assert D[4, 3] == torch.tensor(-0.5).exp()
    assert D[4, 2] == torch.tensor(-0.75).exp()
    assert D[4, 1] == 0
    assert torch.equal(D.diagonal(), torch.ones(5))
    assert torch.equal(D, D.tril())


@pytest.mark.equation("titans", 14)
@pytest.mark.parametrize("momentum", [True, False])
def test_coefficients_are_what_unrolling_the_recurrences_gives(momentum):
    c = 6
    theta, eta, kept = random(3, c).sigmoid()
    counts = torch.tensor([1.0, 1.0, 0.0, 1.0, 0.0, 1.0], dtype=torch.float64)
    how = coefficients(Gates(theta, eta.log() if momentum else None, kept.log(), counts))
    W = torch.eye(c + 2, dtype=torch.float64)[0]  # coordinates: W_0, S_0, g_1 ... g_c
    S = torch.eye(c + 2, dtype=torch.float64)[1]
    for t in range(c):
        S = (eta[t] if momentum else 0) * S - theta[t] * torch.eye(c + 2, dtype=torch.float64)[2 + t]
        W = kept[t] * W + counts[t] * S
        torch.testing.assert_close(how.keep[t, 0], W[0])
        torch.testing.assert_close(-how.mix[t], W[2:])
        if momentum:
            torch.testing.assert_close(how.carry[t, 0], W[1])
    torch.testing.assert_close(how.last_keep[0, 0], W[0])
    torch.testing.assert_close(-how.last_mix[:, 0], W[2:])
    if momentum:
        torch.testing.assert_close(how.last_carry[0, 0], W[1])
        torch.testing.assert_close(how.momentum_keep[0, 0], S[1])
        torch.testing.assert_close(-how.momentum_mix[:, 0], S[2:])
