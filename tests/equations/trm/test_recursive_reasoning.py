"""TRM's recursion, block and halting against its equations by hand, in float64."""

import numpy as np
import pytest
import torch

from bloomery.models.attention import Sight, visibility
from bloomery.models.cache_cognate import Tokens
from bloomery.models.deep_recursion import State, deep_recursion, latent_recursion
from bloomery.models.feedforward import SwiGLU
from bloomery.models.halting import HaltingHead
from bloomery.models.recursion import Recursion, RecursiveNet
from bloomery.models.rotary import rotation
from bloomery.models.tiny_net import OverAll, OverPlaces, TinyBlock

ROUND_OFF = {"atol": 1e-12, "rtol": 1e-12}
WIDTH, CALLS, ROUNDS = 4, 3, 3


class Given:
    """A net, tanh(A u + b), a question and a state; `called` holds whether each call had a gradient."""

    def __init__(self) -> None:
        rng = np.random.default_rng(0)
        self.A, self.b = rng.normal(size=(WIDTH, WIDTH)), rng.normal(size=WIDTH)
        self.x, self.y, self.z = rng.normal(size=(3, 2, WIDTH))
        self.weight = torch.from_numpy(self.A).requires_grad_()
        self.state = State(torch.from_numpy(self.y), torch.from_numpy(self.z))
        self.called: list[bool] = []

    def net(self, u: torch.Tensor) -> torch.Tensor:
        self.called.append(torch.is_grad_enabled())
        return torch.tanh(u @ self.weight.T + torch.from_numpy(self.b))

    def by_hand(self, y: np.ndarray, z: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """One round in NumPy."""
        for _ in range(CALLS):
            z = np.tanh((self.x + y + z) @ self.A.T + self.b)
        return np.tanh((y + z) @ self.A.T + self.b), z


@pytest.mark.equation("trm", "4.1a", oracle="float64 NumPy")
def test_a_round_refines_the_latent_n_times_and_then_the_answer_without_the_question():
    g = Given()
    y, z = latent_recursion(g.net, torch.from_numpy(g.x), g.state, CALLS)
    expected = g.by_hand(g.y, g.z)
    np.testing.assert_allclose(y.detach(), expected[0], **ROUND_OFF)
    np.testing.assert_allclose(z.detach(), expected[1], **ROUND_OFF)
    assert len(g.called) == CALLS + 1


@pytest.mark.equation("trm", "4.1b", oracle="float64 NumPy")
@pytest.mark.parametrize("rounds", [1, 2, ROUNDS])
def test_rounds_follow_each_other_and_the_last_alone_has_a_gradient(rounds):
    g = Given()
    y, z = deep_recursion(g.net, torch.from_numpy(g.x), g.state, CALLS, rounds)
    expected = g.y, g.z
    for _ in range(rounds):
        expected = g.by_hand(*expected)
    np.testing.assert_allclose(y.detach(), expected[0], **ROUND_OFF)
    np.testing.assert_allclose(z.detach(), expected[1], **ROUND_OFF)
    assert g.called == [False] * (CALLS + 1) * (rounds - 1) + [True] * (CALLS + 1)


@pytest.mark.equation("trm", "4.1b", oracle="finite differences")
def test_the_gradient_is_that_of_the_whole_last_round_from_where_the_others_ended():
    g = Given()
    y, _ = deep_recursion(g.net, torch.from_numpy(g.x), g.state, CALLS, ROUNDS)
    (gradient,) = torch.autograd.grad(y.sum(), g.weight)
    reached, by_difference, A = (g.y, g.z), np.zeros_like(g.A), g.A.copy()
    for _ in range(ROUNDS - 1):
        reached = g.by_hand(*reached)
    for place in np.ndindex(*A.shape):
        sides = []
        for step in (1e-6, -1e-6):
            g.A = A.copy()
            g.A[place] += step
            sides.append(g.by_hand(*reached)[0].sum())
        by_difference[place] = (sides[0] - sides[1]) / 2e-6
    np.testing.assert_allclose(gradient, by_difference, atol=1e-8)  # step^2 and round-off / step are left


@pytest.mark.equation("trm", "2.4", oracle="limit")
def test_deep_supervision_without_silent_rounds_is_the_recursion_of_the_language_model():
    torch.manual_seed(1)
    recursion = Recursion(16, 2, 24, steps=3, micro_steps=2, eps=1e-6).double()
    x, turn = torch.randn(2, 5, 16).double(), rotation(torch.arange(5)[None], 8, 10000.0)
    seen = visibility(5, 0, 5, None, torch.device("cpu"))
    tokens, head = Tokens(torch.arange(5)[None], None, seen), HaltingHead(16, 3, 0.98).double()
    ours = recursion(x, turn, tokens, head, steps=3)

    def look(q, k, v):
        return Sight(q, k, v, seen)

    state = State(recursion.answer_proj(x), recursion.latent_proj(x))
    for step, answer in enumerate(ours.answers):
        state = deep_recursion(lambda u: recursion.net(u, turn, look), x, state, 2, rounds=1)
        torch.testing.assert_close(answer, state.answer, atol=1e-12, rtol=0)  # the same operations
        mine, theirs = (
            torch.autograd.grad(y.sum(), recursion.net.feedforward.up_proj.weight, retain_graph=True)[0]
            for y in (answer, state.answer)
        )
        torch.testing.assert_close(mine, theirs, atol=1e-10, rtol=0)
        assert ours.halt_logits[0, 0, step].item() == pytest.approx(head(answer)[0, 0].item(), abs=1e-12)
        state = state.detach()


def rms_norm(h: np.ndarray, weight: torch.Tensor | float, eps: float) -> np.ndarray:
    scale = weight.detach().numpy() if isinstance(weight, torch.Tensor) else weight
    return h / np.sqrt((h**2).mean(-1, keepdims=True) + eps) * scale


def swiglu(h: np.ndarray, layer: SwiGLU) -> np.ndarray:
    gate, up, down = (p.detach().numpy() for p in layer.parameters())
    return ((h @ gate.T) / (1 + np.exp(-h @ gate.T)) * (h @ up.T)) @ down.T


def attended(h: np.ndarray, layer: OverAll) -> np.ndarray:
    """Two heads, each place sees all of them; q and k turned by their places, as complex numbers."""
    q, k, v, out = (p.detach().numpy() for p in layer.parameters())
    half = layer.attention.head_dim // 2
    angles = np.arange(h.shape[1])[:, None] * 10000.0 ** (-np.arange(half) / half)
    heads = []
    for part in np.split(np.arange(h.shape[-1]), 2):
        turned = [
            ((w := h @ W[part].T)[..., :half] + 1j * w[..., half:]) * np.exp(1j * angles) for W in (q, k)
        ]
        scores = (turned[0] @ turned[1].conj().swapaxes(1, 2)).real / np.sqrt(2 * half)
        shares = np.exp(scores) / np.exp(scores).sum(-1, keepdims=True)
        heads.append(shares @ (h @ v[part].T))
    return np.concatenate(heads, -1) @ out.T


@pytest.mark.equation("trm", "2.1", oracle="float64 NumPy")
@pytest.mark.parametrize("kind", ["attention", "mlp"])
def test_the_net_normalises_after_each_of_its_two_sums_without_weights(kind):
    torch.manual_seed(2)
    mixer = OverAll(8, 2, 10000.0) if kind == "attention" else OverPlaces(5, 7)
    block, h = TinyBlock(mixer, 8, 12, 1e-5).double(), torch.randn(2, 5, 8).double()
    mixed = (
        attended(h.numpy(), mixer)
        if isinstance(mixer, OverAll)
        else swiglu(h.numpy().swapaxes(1, 2), mixer.feedforward).swapaxes(1, 2)
    )
    inner = rms_norm(h.numpy() + mixed, 1.0, 1e-5)
    expected = rms_norm(inner + swiglu(inner, block.feedforward), 1.0, 1e-5)
    # rotary angles are float32, so the attention's are right to about 1e-7
    tolerance = 1e-6 if kind == "attention" else 1e-12
    np.testing.assert_allclose(block(h).detach(), expected, atol=tolerance, rtol=tolerance)


def test_the_net_for_language_normalises_after_each_of_its_two_sums():
    torch.manual_seed(2)
    net, eps = RecursiveNet(8, 2, 12, 1e-5).double(), 1e-5
    with torch.no_grad():
        for norm in (net.attention_norm, net.feedforward_norm):
            norm.weight.uniform_(0.5, 1.5)
    h, turn = torch.randn(2, 5, 8).double(), rotation(torch.arange(5)[None], 4, 10000.0)
    seen = visibility(5, 0, 3, None, torch.device("cpu"))
    mixed = net.attention(h, turn, seen).detach().numpy()
    inner = rms_norm(h.numpy() + mixed, net.attention_norm.weight, eps)
    gate, up, down = (p.detach().numpy() for p in net.feedforward.parameters())
    gated = (inner @ gate.T) / (1 + np.exp(-inner @ gate.T)) * (inner @ up.T)
    expected = rms_norm(inner + gated @ down.T, net.feedforward_norm.weight, eps)
    np.testing.assert_allclose(net(h, turn, seen).detach(), expected, atol=1e-10, rtol=1e-10)


@pytest.mark.equation("trm", "4.6a", oracle="float64 NumPy")
def test_the_head_pays_for_the_probability_that_it_gives_to_the_wrong_side():
    torch.manual_seed(3)
    head = HaltingHead(4, 3, 0.98).double()
    with torch.no_grad():
        head.score.weight.normal_()
        head.score.bias.fill_(0.3)
    y, right = torch.randn(6, 3, 4).double(), torch.rand(6, 3) < 0.5
    q = 1 / (1 + np.exp(-(y.numpy() @ head.score.weight[0].detach().numpy() + 0.3)))
    expected = -np.where(right.numpy(), np.log(q), np.log(1 - q)).mean()
    assert head.loss(head(y), right).item() == pytest.approx(expected, abs=1e-7)  # the loss is in float32


@pytest.mark.equation("trm", "4.6b", oracle="closed form")
def test_at_one_half_an_uncalibrated_head_halts_where_its_logit_is_positive():
    torch.manual_seed(4)
    recursion, head = Recursion(16, 2, 24, steps=3, micro_steps=1, eps=1e-6), HaltingHead(16, 3, 0.98)
    with torch.no_grad():
        head.score.weight.normal_()
    x, turn = torch.randn(2, 40, 16), rotation(torch.arange(40)[None], 8, 10000.0)
    tokens = Tokens(torch.arange(40)[None], None, visibility(40, 0, 40, None, torch.device("cpu")))
    with torch.no_grad():
        found = recursion(x, turn, tokens, head, steps=3, threshold=0.5)
    positive = head(torch.stack(found.answers, dim=-2)) > 0  # a halted token's answer and logit stay
    first = torch.where(positive.any(-1), positive.int().argmax(-1) + 1, 3)
    assert torch.equal(found.steps_taken, first)
    assert len(set(first.flatten().tolist())) == 3  # all depths occur


@pytest.mark.parametrize(("n", "rounds"), [(0, 1), (1, 0)])
def test_no_calls_or_no_rounds_are_refused(n, rounds):
    g = Given()
    with pytest.raises(ValueError, match="at least one"):
        deep_recursion(g.net, torch.from_numpy(g.x), g.state, n, rounds)
