"""The benchmark of samplers measures what it says."""

import pytest
import torch

from benchmarks import diffusion_samplers as bench
from benchmarks.harness import checked


def test_the_sliced_distance_of_a_shift_is_its_mean_over_directions():
    """Of a shift by 3: 3 times the mean of |cos|, 2 / pi."""
    x = torch.randn(500, 2, generator=torch.Generator().manual_seed(0), dtype=torch.float64)
    assert bench.sliced(x, x) == 0
    assert bench.sliced(x, x + torch.tensor([3.0, 0.0])) == pytest.approx(6 / torch.pi, rel=1e-3)


def test_the_table_is_a_distribution_in_which_tokens_depend_on_each_other():
    p = bench.table().p
    assert p.shape == (bench.MASK,) * bench.LENGTH
    assert p.sum().item() == pytest.approx(1)
    apart = p.sum((1, 2, 3))[:, None] * p.sum((0, 2, 3))
    assert (p.sum((2, 3)) - apart).abs().sum() > 0.5


def test_rows_are_what_the_harness_takes(monkeypatch):
    monkeypatch.setattr(bench, "TOKENS", 200)
    found = [bench.tokens("exact", bench.ancestral, "linear", 3)]
    assert found[0].passes == 3
    told = {"name": "diffusion_samplers", "command": "c", "seconds": 1.0}
    told["rows"] = bench.rows(found, {"tokens": 0.02, "numbers": 0.01})
    assert checked(told, "here")["rows"][0]["ours"] == found[0].distance
