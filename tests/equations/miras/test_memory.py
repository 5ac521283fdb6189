"""MIRAS memories against the equations written out token by token, gradients by autograd, in float64."""

import math
from dataclasses import dataclass
from functools import partial

import pytest
import torch
from torch import Tensor
from torch.nn import functional

from bloomery.models import MirasMemory, NeuralMemory, memora, moneta, yaad
from bloomery.models.miras_bias import L2, Dot, Lp, ValueShift
from bloomery.models.miras_memory import BIASES, RETENTIONS, miras
from bloomery.models.miras_retention import Decay, ElasticNet, Logistic, NormRetention, Softmax

WIDTH, STEPS = 8, 13
EXACT = {"atol": 1e-9, "rtol": 1e-9}  # round-off alone
MEMBERS = {
    "moneta": lambda **o: moneta(WIDTH, **o),
    "moneta, exact link": lambda **o: moneta(WIDTH, exact=True, **o),
    "yaad": lambda **o: yaad(WIDTH, **o),
    "yaad, l_1 as a sum": lambda **o: yaad(WIDTH, form="mixed", **o),
    "yaad, coordinates": lambda **o: yaad(WIDTH, form="coordinate", **o),
    "memora": lambda **o: memora(WIDTH, **o),
    "memora over the matrix": lambda **o: memora(WIDTH, over="matrix", total=4.0, **o),
    "elastic net": lambda **o: MirasMemory(WIDTH, L2(), ElasticNet(0.02), **o),
    "logistic": lambda **o: MirasMemory(WIDTH, L2(), Logistic(), **o),
    "hebbian": lambda **o: MirasMemory(WIDTH, Dot(), Decay(), **o),
}
FORMS = {
    "one gate a head": {"channelwise": False},
    "one gate a channel": {"channelwise": True},
    "matrix": {"depth": 1, "residual_norm": False, "channelwise": True},
    "two heads, no convolution": {"heads": 2, "conv": 0},
    "capped": {"max_surprise": 0.3, "gate_rank": None},
}
members = pytest.mark.parametrize("member", MEMBERS.values(), ids=MEMBERS)
forms = pytest.mark.parametrize("form", FORMS.values(), ids=FORMS)


def made(member, chunk_size: int, **options) -> MirasMemory:
    torch.manual_seed(3)
    memory = member(chunk_size=chunk_size, max_lr=0.3, **options).double()
    with torch.no_grad():
        for parameter in memory.parameters():  # no special values: every term must matter
            parameter.add_(0.3 * torch.randn_like(parameter))
    return memory


def tokens(rows: int = 2, steps: int = STEPS) -> Tensor:
    return torch.randn(rows, steps, WIDTH, generator=torch.Generator().manual_seed(5), dtype=torch.float64)


# --- the equations again, one token at a time -----------------------------------------------------------


def loss(bias, y: Tensor, v: Tensor, delta: Tensor) -> Tensor:
    """The paper's losses, whose gradients by autograd are the steps."""
    e = y - v
    if isinstance(bias, Dot):
        return -(y * v).sum()
    if isinstance(bias, L2):
        return (e * e).sum()
    if isinstance(bias, ValueShift):  # the worst value lies beyond, along the error
        return 0.5 * (e.norm() + bias.radius) ** 2
    if isinstance(bias, Lp):  # the printed smooth slope, held fixed
        slope = bias.p * torch.tanh(10 * e) * (e * e + 1e-6).sqrt() ** (bias.p - 1)
        return (slope.detach() * y).sum()
    if bias.form == "coordinate":
        small, large = 0.5 * e * e, delta * (e.abs() - 0.5 * delta)
        return torch.where(e.abs() <= delta, small, large).sum()
    if e.norm() <= delta:
        return 0.5 * (e * e).sum()
    return delta * (e.norm() if bias.form == "norm" else e.abs().sum())


def weights_of(keep, A: Tensor) -> Tensor:
    if isinstance(keep, NormRetention):
        norm = (A.abs() ** keep.q).sum() ** (1 / keep.q)
        power = A.sign() * A.abs() ** (keep.q - 1) if keep.exact else A
        return power / norm ** (keep.q - 2)
    if isinstance(keep, Softmax):
        grown = A.exp()
        return keep.total * grown / (grown.sum(1, keepdim=True) if keep.over == "row" else grown.sum())
    if isinstance(keep, ElasticNet):
        return A.sign() * (A.abs() - keep.threshold).clamp(min=0)
    return 1 / (1 + (-A).exp()) if isinstance(keep, Logistic) else A


def goes_on(keep, A: Tensor) -> Tensor:
    if isinstance(keep, Softmax):
        return weights_of(keep, A).log()  # alpha log W_{t-1} - eta grad
    return weights_of(keep, A) if isinstance(keep, ElasticNet) else A


def within(keep, A: Tensor, start: Tensor, W: Tensor) -> Tensor:
    """Norm and softmax are those of the chunk's start, whose weights are W."""
    if isinstance(keep, NormRetention):
        norm = (start.abs() ** keep.q).sum() ** (1 / keep.q)
        return A * (start.abs() ** (keep.q - 2) if keep.exact else 1) / norm ** (keep.q - 2)
    if isinstance(keep, (Softmax, Logistic)):
        start, moved = start.detach(), (A - start).detach()
        return W + torch.autograd.functional.jvp(lambda s: weights_of(keep, s), start, moved)[1]
    return A


def network(m: MirasMemory, layers: list[Tensor], x: Tensor) -> Tensor:
    y = x
    for index, W in enumerate(layers):
        y = W @ (functional.gelu(y) if index else y)
    return x + functional.layer_norm(y, y.shape, eps=1e-5) if m.residual_norm else y


def by_the_layer(m: MirasMemory, gate: Tensor) -> list[Tensor]:
    """A channel's gate belongs to the rows of the last layer and to the columns of the first."""
    return [gate[None, :], gate[:, None]] if m.depth == 2 else [gate[:, None]]


@dataclass
class Chunk:
    """Accumulators and weights where the chunk began."""

    A: list[Tensor]
    W: list[Tensor]


def one_head(m: MirasMemory, head: int, qkv: Tensor, gates: Tensor) -> Tensor:
    sizes = [math.prod(s) for s in m.shapes]
    drawn = [t.view(s) for t, s in zip(m.initial[head].split(sizes), m.shapes, strict=True)]
    A = [goes_on(m.retention, a) for a in drawn]
    W = [a if isinstance(m.retention, ElasticNet) else weights_of(m.retention, a) for a in A]
    start, reads = Chunk(A, W), []
    for t, (q, k, v) in enumerate(qkv):
        q, k = q / q.norm(), k / k.norm()
        eta, alpha, delta = gates[t]
        eta, alpha = m.max_lr / (1 + (-eta).exp()), 1 / (1 + (-alpha).exp())
        delta = (1 + delta.exp()).log()
        delta = delta if getattr(m.bias, "form", "") == "coordinate" else delta.mean()
        at = [w.detach().requires_grad_() for w in start.W]
        g = torch.autograd.grad(loss(m.bias, network(m, at, k), v, delta), at)
        if m.max_surprise is not None:
            g = [s * min(1.0, m.max_surprise / s.norm()) for s in g]
        rates, kept = by_the_layer(m, eta), by_the_layer(m, alpha)
        A = [keep * a - rate * s for a, s, rate, keep in zip(A, g, rates, kept, strict=True)]
        place = t % m.chunk_size
        if place == m.chunk_size - 1 or (m.retention.lag and place == 0):
            W = [weights_of(m.retention, a) for a in A]
            A = [goes_on(m.retention, a) for a in A]
            start = Chunk(A, W)
        else:
            W = [within(m.retention, *layer) for layer in zip(A, start.A, start.W, strict=True)]
        reads.append(network(m, W, q))
    return torch.stack(reads)


def reference(m: MirasMemory, x: Tensor) -> Tensor:
    """One sequence (T, D)."""
    raw = x @ m.to_qkv.weight.T
    if m.conv is not None:
        padded = torch.cat((raw.new_zeros(m.kernel - 1, raw.shape[1]), raw))
        raw = torch.stack([(padded[t : t + m.kernel] * m.conv[:, 0].T).sum(0) for t in range(len(x))])
    qkv = (raw * torch.sigmoid(raw)).view(len(x), 3, m.heads, m.head_dim)
    gates = m.to_gates(x).view(len(x), m.heads, 3, -1)
    reads = torch.stack([one_head(m, h, qkv[:, :, h], gates[:, h]) for h in range(m.heads)], dim=1)
    reads = reads / (reads.square().mean(-1, keepdim=True) + 1e-5).sqrt() * m.read_norm.weight
    return (reads.flatten(1) * torch.sigmoid(x @ m.output_gate.weight.T)) @ m.out.weight.T


# --- what is claimed --------------------------------------------------------------------------------------


@pytest.mark.equation("miras", 4, oracle="autograd")
@pytest.mark.equation("miras", 5, oracle="autograd")
@pytest.mark.parametrize(
    "name",
    [
        pytest.param(
            "moneta",
            marks=[
                pytest.mark.equation("miras", 24, reading="printed", oracle="autograd"),
                pytest.mark.equation("miras", 25, oracle="autograd"),
            ],
        ),
        pytest.param(
            "moneta, exact link", marks=pytest.mark.equation("miras", 24, reading="exact", oracle="autograd")
        ),
        pytest.param("yaad", marks=pytest.mark.equation("miras", 26, reading="norm", oracle="autograd")),
        pytest.param(
            "yaad, l_1 as a sum", marks=pytest.mark.equation("miras", 26, reading="mixed", oracle="autograd")
        ),
        "yaad, coordinates",
        pytest.param("memora", marks=pytest.mark.equation("miras", 27, reading="row", oracle="autograd")),
        pytest.param(
            "memora over the matrix",
            marks=pytest.mark.equation("miras", 27, reading="matrix", oracle="autograd"),
        ),
        "elastic net",
        "logistic",
        "hebbian",
    ],
)
@forms
def test_token_by_token_every_member_is_its_equation(name, form):
    m, x = made(MEMBERS[name], 1, **form), tokens()
    torch.testing.assert_close(m(x)[0], torch.stack([reference(m, row) for row in x]), **EXACT)


@pytest.mark.equation("miras", 28)
@pytest.mark.equation("miras", 30)
@members
@pytest.mark.parametrize("chunk", [2, 4, 16])
def test_chunks_follow_the_paper_s_rules(member, chunk):
    """Gradients at the chunk's start; norm, log and softmax at its ends; Memora's first token exact."""
    m, x = made(member, chunk), tokens()
    torch.testing.assert_close(m(x)[0], torch.stack([reference(m, row) for row in x]), **EXACT)


@pytest.mark.parametrize("chunk", [1, 4])
@pytest.mark.parametrize("retention", RETENTIONS)
@pytest.mark.parametrize("bias", BIASES)
def test_any_bias_with_any_retention_is_its_equations_in_chunks_and_streamed(bias, retention, chunk):
    m, x = made(partial(miras, WIDTH, bias=bias, retention=retention), chunk), tokens(1)
    whole, _ = m(x)
    torch.testing.assert_close(whole[0], reference(m, x[0]), **EXACT)
    first, state = m(x[:, :6])
    torch.testing.assert_close(torch.cat((first, m(x[:, 6:], state)[0]), 1), whole, **EXACT)
    whole.square().sum().backward()
    silent = {name for name, p in m.named_parameters() if p.grad is None or not p.grad.any()}
    assert not silent
    assert all(p.grad.isfinite().all() for p in m.parameters())


def test_the_paper_s_own_are_pairs_by_name():
    x = tokens()
    for theirs, options in {
        partial(moneta, p=2.5, q=3.0): {
            "bias": {"name": "lp", "p": 2.5}, "retention": {"name": "norm", "q": 3.0},
        },
        yaad: {"bias": "huber"}, memora: {"retention": "softmax"},
    }.items():  # fmt: skip
        one, other = made(partial(theirs, WIDTH), 4), made(partial(miras, WIDTH, **options), 4)
        assert torch.equal(one(x)[0], other(x)[0])


@pytest.mark.parametrize(
    ("options", "error", "says"),
    [
        ({"bias": "l3"}, ValueError, "bias must be one of dot, l2, lp, huber, value_shift; got 'l3'"),
        ({"retention": {"q": 4}}, ValueError, "retention must be one of .*; got ''"),
        ({"bias": {"name": "lp", "q": 3}}, TypeError, "'q'"),
    ],
)
def test_a_pair_that_is_not_known_is_named(options, error, says):
    with pytest.raises(error, match=says):
        miras(WIDTH, **options)


@members
def test_outer_gradients_are_finite_differences(member):
    m, x = made(member, 4, channelwise=False), tokens(1, 6)
    weight = torch.randn(1, 6, WIDTH, dtype=torch.float64)
    leaf = x.clone().requires_grad_()
    (found,) = torch.autograd.grad((m(leaf)[0] * weight).sum(), leaf)
    direction = torch.randn_like(x)
    plus, minus = ((m(x + s * direction)[0] * weight).sum() for s in (1e-6, -1e-6))
    # a central difference; kinks (thresholds) and round-off over 2e-6
    torch.testing.assert_close((found * direction).sum(), (plus - minus) / 2e-6, atol=1e-5, rtol=1e-4)


@members
@pytest.mark.parametrize("sizes", [[1] * STEPS, [5, 5, 3], [3, 1, 9]])
def test_any_split_of_the_sequence_gives_the_same_outputs_and_state(member, sizes):
    m, x = made(member, 4), tokens()
    whole, state = m(x)
    streamed, parts = None, []
    for part in x.split(sizes, dim=1):
        out, streamed = m(part, streamed)
        parts.append(out)
    torch.testing.assert_close(torch.cat(parts, 1), whole, **EXACT)
    for a, b in zip(state, streamed, strict=True):
        torch.testing.assert_close(a, b, **EXACT)


@members
def test_padding_and_rows_at_different_places_change_nothing(member):
    m, x = made(member, 4), tokens(3)
    pads = (0, 3, 6)
    mask = torch.stack([torch.arange(STEPS) >= p for p in pads])
    first, state = m(x[:, :8], mask=mask[:, :8])
    second, _ = m(x[:, 8:], state, mask=mask[:, 8:])
    for row, pad in enumerate(pads):
        alone, _ = m(x[row : row + 1, pad:])
        torch.testing.assert_close(torch.cat((first[row, pad:], second[row])), alone[0], **EXACT)


@members
def test_a_later_token_changes_no_earlier_output(member):
    m, x = made(member, 4), tokens()
    before = m(x)[0]
    for t in (1, 4, 12):
        changed = x.clone()
        changed[:, t] += 3.0
        after = m(changed)[0]
        torch.testing.assert_close(after[:, :t], before[:, :t], atol=1e-12, rtol=1e-12)
        assert not torch.allclose(after[:, t], before[:, t])


@members
def test_reading_without_writing_looks_every_token_up_in_the_same_weights(member):
    m, x = made(member, 4, conv=0), tokens()
    _, state = m(x[:, :6])
    out, same = m(x, state, write=False)
    assert same is state
    one_by_one = torch.cat([m(x[:, t : t + 1], state, write=False)[0] for t in range(STEPS)], dim=1)
    torch.testing.assert_close(out, one_by_one, **EXACT)
    with torch.no_grad():
        m.max_lr = 0.0  # writes nothing
        last = m.to_gates[-1]
        last.weight.view(1, 3, WIDTH, -1)[:, 1] = 0.0
        last.bias.view(1, 3, WIDTH)[:, 1] = 60.0  # forgets nothing
    still = m(x[:, :1], state)[0]
    torch.testing.assert_close(still, out[:, :1], **EXACT)


@pytest.mark.equation("miras", 27)
@pytest.mark.parametrize("chunk", [1, 4, 16])
def test_memora_s_rows_stay_on_the_simplex(chunk):
    m, x = made(MEMBERS["memora"], chunk), 3 * tokens(2, 64)
    _, state = m(x)
    for A, start in zip(m._unflatten(state.weights), m._unflatten(state.base), strict=True):
        W = m.retention.weights(A)
        assert (W > 0).all()
        torch.testing.assert_close(W.sum(-1), torch.ones_like(W[..., 0]), **EXACT)
        inside = m.retention.inside(A, start).sum(-1)
        torch.testing.assert_close(inside, torch.ones_like(inside), **EXACT)


@pytest.mark.parametrize("name", ["moneta", "yaad", "memora"])
def test_4096_tokens_at_the_largest_steps_stay_finite(name):
    torch.manual_seed(0)
    m = MEMBERS[name](chunk_size=64, max_lr=1.0)
    with torch.no_grad():
        m.to_gates[-1].bias.view(1, 3, -1)[:, :2] = 9.0
    x = torch.randn(1, 1, WIDTH).expand(1, 4096, WIDTH).clone().requires_grad_()
    out, state = m(x)
    (gradient,) = torch.autograd.grad(out.sum(), x)
    assert torch.isfinite(state.weights).all()
    assert torch.isfinite(gradient).all()


@pytest.mark.parametrize("name", ["moneta", "yaad", "memora"])
def test_every_parameter_learns(name):
    m = made(MEMBERS[name], 4).float()
    m(tokens().float())[0].square().sum().backward()
    for key, parameter in m.named_parameters():
        assert parameter.grad.abs().max() > 0, key


def test_half_precision_carries_its_memory_in_single():
    m, x = made(MEMBERS["yaad"], 4), tokens()
    exact, _ = m(x)
    out, state = m.to(torch.bfloat16)(x.to(torch.bfloat16))
    assert (out.dtype, state.weights.dtype) == (torch.bfloat16, torch.float32)
    assert (out.double() - exact).abs().max() < 0.2 * exact.abs().max()  # 3 digits


def test_channelwise_gates_of_a_deep_network_are_refused():
    with pytest.raises(ValueError, match="depth of 1 or 2, got 3"):
        yaad(8, depth=3)


def test_titans_and_miras_memories_share_their_state():
    x = tokens()
    _, titans = NeuralMemory(WIDTH).double()(x)
    _, miras = yaad(WIDTH).double()(x)
    assert type(titans) is type(miras)
