"""How far chunks take the outputs of MIRAS memories from token by token."""

import pytest
import torch

from bloomery.models import memora, moneta, yaad

LARGEST = {  # relative difference of the outputs to chunk 1 at chunks of 4 and 16, fresh layers of width 32
    "moneta": (0.20, 0.29),  # measured 0.195, 0.283
    "moneta, exact link": (0.012, 0.018),  # 0.0109, 0.0167
    "yaad": (0.05, 0.10),  # 0.048, 0.094
    "memora": (0.27, 0.54),  # 0.257, 0.521
}


@pytest.mark.parametrize("name", LARGEST)
def test_larger_chunks_depart_from_token_by_token_by_the_stated_size(name, record_property):
    build = {"moneta": moneta, "moneta, exact link": moneta, "yaad": yaad, "memora": memora}[name]
    options = {"exact": True} if "exact" in name else {}
    x = torch.randn(2, 64, 32, generator=torch.Generator().manual_seed(5), dtype=torch.float64)

    def departure(chunk: int, share: float) -> float:
        """At so much of the default step."""
        outputs = []
        for size in (1, chunk):
            torch.manual_seed(0)
            m = build(32, chunk_size=size, **options).double()
            m.max_lr *= share
            outputs.append(m(x)[0].detach())
        return float((outputs[1] - outputs[0]).norm() / outputs[0].norm())

    sizes = [departure(chunk, 1.0) for chunk in (4, 16)]
    record_property("departure", sizes)
    assert 1e-6 < sizes[0] < LARGEST[name][0]
    assert sizes[0] < sizes[1] < LARGEST[name][1]
    assert departure(4, 0.25) < 0.4 * sizes[0]  # it vanishes with the step, at least in proportion
