"""Sliding-window attention against an explicit mask and softmax in float64."""

import pytest
import torch

from bloomery.models.attention import Sight, SlidingWindowAttention, Visibility, visibility
from bloomery.models.rotary import rotation

DEVICE = torch.device("cpu")


def reference(attention, x, window, valid=None):
    """Scores, band, softmax and mix, one query at a time, in float64; padded tokens see only themselves."""
    batch, length, dim = x.shape
    heads, d = attention.num_heads, attention.head_dim
    x = x.double()
    q, k, v = (x @ p.weight.double().T for p in (attention.q_proj, attention.k_proj, attention.v_proj))
    positions = torch.arange(length).double()
    angle = positions[:, None] * 10000.0 ** (-torch.arange(0, d, 2).double() / d)
    turn = torch.polar(torch.ones_like(angle), angle)
    out, top = torch.zeros(batch, length, dim, dtype=torch.float64), torch.full((heads,), -torch.inf).double()
    for b in range(batch):
        for h in range(heads):
            part = slice(h * d, (h + 1) * d)
            qh, kh = (torch.complex(*t[b, :, part].chunk(2, -1)) * turn for t in (q, k))
            for i in range(length):
                js = [
                    j
                    for j in range(max(0, i - window + 1), i + 1)
                    if j == i or valid is None or (valid[b, j] and i - j < window)
                ]
                scores = torch.stack([(qh[i] * kh[j].conj()).real.sum() for j in js]) / d**0.5
                top[h] = torch.maximum(top[h], scores.max())
                out[b, i, part] = scores.softmax(0) @ torch.stack([v[b, j, part] for j in js])
    return out @ attention.o_proj.weight.double().T, top


@pytest.fixture
def attention():
    torch.manual_seed(0)
    return SlidingWindowAttention(16, 2)


@pytest.mark.parametrize("window", [1, 3, 9, 50])
def test_attention_is_softmax_over_an_explicit_band(attention, window):
    x, turn = torch.randn(2, 9, 16), rotation(torch.arange(9)[None], 8, 10000.0)
    ours = attention(x, turn, visibility(9, 0, window, None, DEVICE))
    torch.testing.assert_close(
        ours.double(), reference(attention, x, window)[0], atol=1e-5, rtol=0
    )  # float32


def test_padded_keys_are_not_seen(attention):
    x, turn = torch.randn(2, 7, 16), rotation(torch.arange(7)[None], 8, 10000.0)
    valid = torch.tensor([[0, 0, 1, 1, 1, 1, 1], [1, 1, 1, 1, 1, 1, 1]]).bool()
    ours = attention(x, turn, visibility(7, 0, 4, valid, DEVICE))
    torch.testing.assert_close(ours.double(), reference(attention, x, 4, valid)[0], atol=1e-5, rtol=0)
    assert ours.isfinite().all()


@pytest.mark.parametrize("window", [4, 50])
def test_earlier_keys_join_where_a_callable_adds_them(attention, window):
    x, turn = torch.randn(1, 8, 16), rotation(torch.arange(8)[None], 8, 10000.0)
    whole = attention(x, turn, visibility(8, 0, window, None, DEVICE))
    kept = {}

    def remember(q, k, v):
        kept["k"], kept["v"] = k[:, -(window - 1) :], v[:, -(window - 1) :]
        return Sight(q, k, v, visibility(5, 0, window, None, DEVICE))

    def join(q, k, v):
        k, v = torch.cat((kept["k"], k), 1), torch.cat((kept["v"], v), 1)
        return Sight(q, k, v, visibility(3, kept["k"].shape[1], window, None, DEVICE))

    first = attention(x[:, :5], rotation(torch.arange(5)[None], 8, 10000.0), remember)
    later = attention(x[:, 5:], rotation(torch.arange(5, 8)[None], 8, 10000.0), join)
    torch.testing.assert_close(torch.cat((first, later), 1), whole, atol=1e-6, rtol=0)  # other kernel shapes


@pytest.mark.parametrize("window", [3, 50])
def test_the_recorded_maximum_is_that_of_the_scores_that_are_seen(attention, window):
    x, turn = torch.randn(2, 9, 16) * 3, rotation(torch.arange(9)[None], 8, 10000.0)
    attention(x, turn, visibility(9, 0, window, None, DEVICE))
    assert attention.max_logit is None
    attention.record_max_logit = True
    attention(x, turn, visibility(9, 0, window, None, DEVICE))
    torch.testing.assert_close(
        attention.max_logit.double(), reference(attention, x, window)[1], atol=1e-4, rtol=1e-5
    )


def test_scaling_one_heads_rows_scales_its_recorded_maximum_alone(attention):
    x, turn = torch.randn(2, 9, 16), rotation(torch.arange(9)[None], 8, 10000.0)
    attention.record_max_logit = True
    attention(x, turn, visibility(9, 0, 50, None, DEVICE))
    before = attention.max_logit
    with torch.no_grad():
        attention.q_proj.weight[8:] *= 0.5
    attention(x, turn, visibility(9, 0, 50, None, DEVICE))
    assert attention.max_logit[0] == before[0]
    torch.testing.assert_close(attention.max_logit[1], before[1] / 2)


@pytest.mark.parametrize(("window", "padded"), [(50, False), (3, False), (50, True)])
def test_chosen_rows_see_what_they_saw_in_the_whole(window, padded):
    valid = torch.tensor([[0, 1, 1, 1, 1, 1], [1, 1, 1, 1, 1, 1]]).bool() if padded else None
    seen = visibility(6, 0, window, valid, DEVICE)
    i = torch.arange(6)
    dense = seen.allowed if seen.allowed is not None else (i[None] <= i[:, None])[None, None]
    times = torch.tensor([[1, 4], [0, 5]])
    rows = seen.rows(times, 6)
    assert not rows.causal
    for b in range(2):
        assert torch.equal(rows.allowed[b, 0], dense.expand(2, 1, 6, 6)[b, 0, times[b]])


def test_one_new_token_within_the_window_needs_no_mask():
    assert visibility(1, 5, 6, None, DEVICE) == Visibility(None, False)
    assert visibility(1, 6, 6, None, DEVICE).allowed[0, 0, 0].tolist() == [False] + [True] * 6


def test_an_odd_head_width_is_refused():
    with pytest.raises(ValueError, match="width 18 does not split into 2 heads"):
        SlidingWindowAttention(18, 2)
