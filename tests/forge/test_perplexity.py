"""Perplexity: by hand, and its limits."""

from types import SimpleNamespace

import numpy as np
import pytest
import torch
from torch import nn

from bloomery.forge.folders import load_model
from bloomery.forge.perplexity import perplexity
from tests.forge.small_folders import llama


class Says(nn.Module):
    """The same logits at each position, whatever it is given."""

    def __init__(self, logits):
        super().__init__()
        self.logits = torch.tensor(logits)

    def forward(self, input_ids, use_cache):
        return SimpleNamespace(logits=self.logits.expand(*input_ids.shape, -1))


def test_guessing_is_as_surprised_as_there_are_tokens():
    rows = [torch.tensor([[0, 1, 2, 3], [4, 4, 4, 4]]), torch.tensor([[2, 3]])]
    assert perplexity(Says([0.5] * 5), rows) == pytest.approx(5.0, rel=1e-12)  # logits alike: ln 5 in float64


def test_it_is_the_geometric_mean_over_all_tokens_but_the_first_of_a_row():
    """Of 4 + 1 tokens two are 0 (p = 1/4) and three are 1 (p = 3/4); a row's first counts for nothing."""
    rows = [torch.tensor([[0, 0, 1, 1, 0]]), torch.tensor([[0, 1]])]
    found = perplexity(Says([0.0, float(np.log(3.0))]), rows)
    assert found == pytest.approx((4**2 * (4 / 3) ** 3) ** (1 / 5), rel=1e-6)  # ln 3 in float32


def test_it_agrees_with_the_models_own_loss(tmp_path):
    model, _ = load_model(llama(tmp_path / "llama"))
    ids = torch.arange(24).reshape(2, 12)
    with torch.inference_mode():
        loss = model(input_ids=ids, labels=ids).loss
    assert perplexity(model, [ids]) == pytest.approx(float(loss.exp()), rel=1e-5)  # the loss is float32


def test_without_rows_nothing_was_measured():
    assert perplexity(Says([0.0, 0.0]), []) is None
