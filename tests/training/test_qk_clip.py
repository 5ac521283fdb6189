import copy
import math

import pytest
import torch
from torch import nn

from bloomery.training.qk_clip import LogitWatch, attention_modules, qk_clip


class Attention(nn.Module):
    """Causal attention that records, when asked, the largest scaled logit of each head."""

    def __init__(self, dim=16, heads=4, key_heads=4, bias=False):
        super().__init__()
        self.num_heads, self.key_heads, self.head_dim = heads, key_heads, dim // heads
        self.q_proj = nn.Linear(dim, dim, bias=bias)
        self.k_proj = nn.Linear(dim, self.head_dim * key_heads, bias=bias)
        self.record_max_logit = False

    def forward(self, x):
        batch, length, _ = x.shape
        q = self.q_proj(x).view(batch, length, self.num_heads, self.head_dim).transpose(1, 2)
        k = self.k_proj(x).view(batch, length, self.key_heads, self.head_dim).transpose(1, 2)
        k = k.repeat_interleave(self.num_heads // self.key_heads, dim=1)
        logits = q @ k.transpose(2, 3) / math.sqrt(self.head_dim)
        if self.record_max_logit:
            self.max_logit = logits.detach().amax(dim=(0, 2, 3))
        return logits


def hot(heads=(1,), **options):
    """Attention in which the given heads' logits are far larger than the others'."""
    torch.manual_seed(0)
    attention = Attention(**options)
    for head in heads:
        attention.q_proj.weight.data[head * 4 : head * 4 + 4] *= 40
    attention.record_max_logit = True
    return attention, torch.randn(3, 10, 16)


def rows(linear, head):
    return linear.weight.data[head * 4 : head * 4 + 4]


@pytest.mark.equation("muon", "U4", oracle="fixed point")
@pytest.mark.parametrize("bias", [False, True])
def test_the_maximum_of_each_hot_head_becomes_the_threshold_on_the_same_batch(bias):
    attention, x = hot(heads=(1, 3), bias=bias)
    attention(x)
    before = attention.max_logit.clone()
    tau = 2.0
    assert (before > tau).tolist() == [False, True, False, True]
    watch = LogitWatch(attention)
    attention(x)
    assert watch.clip(tau) == before.max()
    attention(x)
    after = attention.max_logit
    torch.testing.assert_close(after[[1, 3]], torch.full((2,), tau), rtol=1e-5, atol=0)  # float32 products
    assert torch.equal(after[[0, 2]], before[[0, 2]])


def test_heads_under_the_threshold_keep_their_bits():
    attention, x = hot()
    attention(x)
    original = copy.deepcopy(attention)
    gamma = qk_clip(attention.q_proj.weight.data, attention.k_proj.weight.data, attention.max_logit, 2.0)
    assert (gamma < 1).tolist() == [False, True, False, False]
    for head in range(4):
        for name in ("q_proj", "k_proj"):
            same = torch.equal(rows(getattr(attention, name), head), rows(getattr(original, name), head))
            assert same == (head != 1)


@pytest.mark.equation("muon", "U4", oracle="closed form")
def test_queries_and_keys_take_the_square_root_each():
    q, k = torch.ones(4, 3), torch.ones(4, 3)
    qk_clip(q, k, torch.tensor([8.0, 1.0]), tau=2.0)
    assert q.tolist() == k.tolist() == [[0.5] * 3] * 2 + [[1.0] * 3] * 2


def test_where_key_heads_are_shared_the_query_alone_is_scaled_and_no_other_head_moves():
    attention, x = hot(key_heads=2)
    attention(x)
    before, keys = attention.max_logit.clone(), attention.k_proj.weight.data.clone()
    qk_clip(attention.q_proj.weight.data, attention.k_proj.weight.data, attention.max_logit, 2.0)
    attention(x)
    assert attention.max_logit[1].item() == pytest.approx(2.0, rel=1e-5)
    assert torch.equal(attention.max_logit[[0, 2, 3]], before[[0, 2, 3]])
    assert torch.equal(attention.k_proj.weight.data, keys)


@pytest.mark.parametrize("maximum", [-5.0, 0.0, 2.0, math.inf, math.nan])
def test_a_maximum_that_is_not_a_number_above_the_threshold_changes_nothing(maximum):
    q, k = torch.ones(2, 3), torch.ones(2, 3)
    qk_clip(q, k, torch.tensor([maximum]), tau=2.0)
    assert q.tolist() == k.tolist() == [[1.0] * 3] * 2


def test_a_module_called_more_than_once_counts_with_its_largest_logits():
    attention, x = hot()
    watch = LogitWatch(attention)
    attention(x)
    large = attention.max_logit.max().item()
    attention(x * 0.1)
    assert watch.clip(1e9) == large


def test_what_is_seen_in_evaluation_does_not_count_and_a_clip_forgets():
    attention, x = hot()
    watch = LogitWatch(attention)
    attention.eval()(x)
    assert math.isnan(watch.clip(1e9))
    attention.train()(x)
    assert watch.clip(1e9) > 0
    assert math.isnan(watch.clip(1e9))


def test_nothing_is_recorded_where_it_would_not_count():
    attention, x = hot()
    LogitWatch(attention)
    attention.eval()(x)
    assert not hasattr(attention, "max_logit")


def test_only_modules_that_record_are_watched_and_they_are_told_to():
    model = nn.Sequential(nn.Linear(2, 2), Attention(), nn.LayerNorm(2))
    assert list(attention_modules(model)) == [model[1]]
    LogitWatch(model)
    assert model[1].record_max_logit is True


def test_a_copy_of_a_watched_model_does_not_report_to_the_original():
    attention, x = hot()
    watch = LogitWatch(attention)
    copy.deepcopy(attention)(x)
    assert math.isnan(watch.clip(1e9))
