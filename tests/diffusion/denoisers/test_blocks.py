"""Blocks against sums written out, and what they must not change."""

import numpy as np
import pytest
import torch

from bloomery.diffusion.denoisers.blocks import (
    Attention,
    CrossAttentionBlock,
    Modulation,
    TimeEmbedding,
    TransformerBlock,
)
from bloomery.diffusion.denoisers.temporal import GROUPS, MaskedGroupNorm
from tests.diffusion.denoisers.stirring import normal, stirred

EXACT = {"rtol": 0, "atol": 1e-12}  # double precision, sums in another order
SEEN = torch.tensor([[True, True, False, True], [True, False, False, False]])


def test_every_block_starts_as_the_identity():
    x, time, condition = normal(2, 5, 8), normal(2, 8, seed=1), normal(2, 3, 8, seed=2)
    block, cross = TransformerBlock(8, 2, 16).double(), CrossAttentionBlock(8, 2).double()
    for told in (None, time):
        assert torch.equal(block(x, told), x)
        assert torch.equal(cross(x, condition, told), x)


def test_attention_is_a_mean_weighted_by_the_softmax_of_products():
    attention, x, source = stirred(Attention(4, 2)), normal(2, 3, 4), normal(2, 4, 4, seed=1)
    found = attention(x, source, SEEN).detach().numpy()
    weight = {name: p.detach().numpy() for name, p in attention.named_parameters()}
    for row in range(2):
        there = SEEN[row].numpy()
        keys, values = (source[row].numpy()[there] @ weight[f"{n}_proj.weight"].T for n in "kv")
        queries, heads = x[row].numpy() @ weight["q_proj.weight"].T, []
        for part in (slice(0, 2), slice(2, 4)):
            products = np.exp(queries[:, part] @ keys[:, part].T / np.sqrt(2))
            heads.append(products / products.sum(1, keepdims=True) @ values[:, part])
        np.testing.assert_allclose(found[row], np.hstack(heads) @ weight["o_proj.weight"].T, atol=1e-12)


def test_blocks_have_the_gradients_of_their_differences():
    block, cross = stirred(TransformerBlock(4, 1, 6)), stirred(CrossAttentionBlock(4, 1), 1)
    x, time, condition = normal(2, 4, 4), normal(2, 4, seed=1), normal(2, 4, 4, seed=2)
    given = [tensor.requires_grad_() for tensor in (x, time, condition)]
    unseen = SEEN & torch.tensor([[True], [False]])  # nothing is seen in the second row

    def both(x, time, condition):
        return cross(block(x, time, seen=SEEN), condition, time, seen=unseen)

    assert torch.autograd.gradcheck(both, given)


def test_a_block_without_positions_follows_any_reordering_of_its_tokens():
    block, x, time, order = (
        stirred(TransformerBlock(8, 2, 16)),
        normal(2, 5, 8),
        normal(2, 8),
        [3, 0, 4, 2, 1],
    )
    torch.testing.assert_close(block(x[:, order], time), block(x, time)[:, order], **EXACT)


def test_the_order_of_a_condition_does_not_matter_to_cross_attention():
    cross, x, condition = stirred(CrossAttentionBlock(8, 2)), normal(2, 5, 8), normal(2, 4, 8, seed=1)
    order = [2, 0, 3, 1]
    told = cross(x, condition[:, order], seen=SEEN[:, order])
    torch.testing.assert_close(told, cross(x, condition, seen=SEEN), **EXACT)


def test_what_is_not_seen_might_as_well_not_be_there():
    block, x = stirred(TransformerBlock(8, 2, 16)), normal(1, 5, 8)
    seen = torch.tensor([[True, True, True, False, False]])
    torch.testing.assert_close(block(x, seen=seen)[:, :3], block(x[:, :3]), **EXACT)


def test_a_condition_of_which_nothing_is_seen_adds_nothing():
    cross, x, condition = stirred(CrossAttentionBlock(8, 2)), normal(2, 5, 8), normal(2, 4, 8, seed=1)
    assert torch.equal(cross(x, condition, seen=torch.zeros(2, 4, dtype=torch.bool)), x)
    assert not torch.allclose(cross(x, condition), x)


def test_times_are_told_apart():
    embedding = stirred(TimeEmbedding(16))
    vectors = embedding(torch.tensor([0.0, 0.001, 0.5, 0.501, 1.0], dtype=torch.float64))
    assert torch.pdist(vectors).min() > 1e-3


def test_without_a_time_modulation_is_that_of_no_time_at_all():
    modulation, zero = stirred(Modulation(4, 2)), torch.zeros(1, 4, dtype=torch.float64)  # silu(0) = 0
    for alone, told in zip(modulation(None), modulation(zero), strict=True):
        torch.testing.assert_close(told[0, 0], alone, **EXACT)
    untimed = stirred(TransformerBlock(8, 2, 16, timed=False))
    x, time = normal(2, 5, 8), normal(2, 8, seed=1)
    assert torch.equal(untimed(x, time), untimed(x))


def test_heads_must_divide_the_width():
    with pytest.raises(ValueError, match="does not divide so by 3"):
        Attention(8, 3)
    with pytest.raises(ValueError, match="of even size"):
        Attention(6, 2)


def test_a_masked_group_norm_is_the_norm_of_the_part_that_is_there():
    norm, x = stirred(MaskedGroupNorm(GROUPS, 16)), normal(1, 16, 7)
    seen = torch.tensor([[[True] * 4 + [False] * 3]])
    found = norm(x, seen)
    torch.testing.assert_close(found[..., :4], norm(x[..., :4]), **EXACT)
    assert torch.equal(found[..., 4:], torch.zeros(1, 16, 3, dtype=torch.float64))
