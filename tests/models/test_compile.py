"""`torch.compile` on the graph it captures, without its code generator."""

import warnings

import pytest
import torch


@pytest.mark.slow
def test_a_compiled_model_computes_the_same(make_model):
    model = make_model().train()
    ids = torch.randint(2, 61, (2, 12), generator=torch.Generator().manual_seed(1))
    plain = model(ids, labels=ids)
    plain.loss.backward()
    gradient = model.embedding.table.weight.grad.clone()
    model.zero_grad()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # the compiler's own, about what it looks at
        compiled = torch.compile(model, backend="aot_eager")(ids, labels=ids)
        compiled.loss.backward()
    torch.testing.assert_close(compiled.loss, plain.loss)
    torch.testing.assert_close(model.embedding.table.weight.grad, gradient, atol=1e-5, rtol=1e-3)
