"""The factorized embedding, in both directions."""

import torch

from bloomery.models.embedding import FactorizedEmbedding


def test_the_embedding_is_the_product_of_table_and_projection():
    torch.manual_seed(0)
    embedding = FactorizedEmbedding(11, 3, 8)
    dense = embedding.table.weight.double() @ embedding.up_proj.weight.double().T * 8**0.5
    ids = torch.tensor([[0, 10, 5]])
    torch.testing.assert_close(embedding(ids).double(), dense[ids], atol=1e-6, rtol=0)


def test_the_head_is_the_same_product_transposed():
    torch.manual_seed(0)
    embedding, y = FactorizedEmbedding(11, 3, 8), torch.randn(2, 8)
    dense = embedding.table.weight.double() @ embedding.up_proj.weight.double().T
    torch.testing.assert_close(embedding.logits(y).double(), y.double() @ dense.T, atol=1e-6, rtol=0)


def test_it_has_fewer_weights_than_a_dense_one():
    assert sum(p.numel() for p in FactorizedEmbedding(1000, 4, 64).parameters()) == 1000 * 4 + 4 * 64
