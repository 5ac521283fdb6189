import itertools

import pytest
import torch
from torch import Tensor
from torch.nn import functional

from bloomery.models.fused_chunk import fused_chunk
from bloomery.models.surprise import Gates, chunk, coefficients

N, C, K, WIDE = 2, 5, 3, 4
CASES = list(
    itertools.product(
        (1, 2, 3),
        ("none", "from zero", "running"),
        (False, True),
        (False, True),
        (None, 3.0),
        ("gelu", "silu"),
    )
)


def leaves(depth: int, momentum: str, own_base: bool, scaled: bool) -> dict[str, list[Tensor]]:
    torch.manual_seed(depth)

    def normal(*shape: int) -> Tensor:
        return torch.randn(*shape, dtype=torch.float64, requires_grad=True)

    def layers() -> list[Tensor]:
        sizes = [K, *[WIDE] * (depth - 1), K]
        return [normal(N, o, i) for i, o in itertools.pairwise(sizes)]

    return {
        "qkv": [normal(N, C, K) for _ in range(3)],
        "gates": [normal(N, C) for _ in range(3)],
        "scale": [normal(N, 1, K)] if scaled else [],
        "weights": layers(),
        "momentum": layers() if momentum == "running" else [],
        "base": layers() if own_base else [],
    }


def outputs(
    run, given: dict[str, list[Tensor]], momentum: str, cap: float | None, activation: str
) -> list[Tensor]:
    theta, eta, keep = given["gates"]
    log_eta = None if momentum == "none" else functional.logsigmoid(eta)
    how = coefficients(Gates(theta.sigmoid(), log_eta, functional.logsigmoid(keep)))
    scale = given["scale"][0] if given["scale"] else None
    states = given["weights"], given["momentum"], given["base"]
    read, scale_gradient, weights, after = run(*given["qkv"], scale, *states, how, activation, cap)
    return [t for t in (read, scale_gradient, *weights, *after) if t is not None]


def gradients(found: list[Tensor], given: dict[str, list[Tensor]]) -> list[Tensor]:
    torch.manual_seed(9)
    loss = sum((t * torch.randn_like(t)).sum() for t in found)
    wanted = [t for group in given.values() for t in group]
    grads = torch.autograd.grad(loss, wanted, allow_unused=True, retain_graph=True)
    return [torch.zeros_like(t) if g is None else g for g, t in zip(grads, wanted, strict=True)]


@pytest.mark.parametrize(("depth", "momentum", "own_base", "scaled", "cap", "activation"), CASES)
def test_the_fused_chunk_is_the_plain_chunk_with_its_gradients(
    depth, momentum, own_base, scaled, cap, activation
):
    given = leaves(depth, momentum, own_base, scaled)
    plain = outputs(chunk, given, momentum, cap, activation)
    fused = outputs(fused_chunk, given, momentum, cap, activation)
    # the same products in another order; entries grow with depth, hence relative
    torch.testing.assert_close(fused, plain, atol=1e-10, rtol=1e-10)
    everything = gradients(plain, given)
    scale = max(float(g.abs().max()) for g in everything)
    torch.testing.assert_close(gradients(fused, given), everything, atol=1e-12 * scale, rtol=1e-9)
    only_reads = gradients(plain[:1], given)  # as in a sequence's last chunk, whose state nobody uses
    torch.testing.assert_close(
        gradients(outputs(fused_chunk, given, momentum, cap, activation)[:1], given),
        only_reads,
        atol=1e-12 * scale,
        rtol=1e-9,
    )


def test_the_plain_chunk_can_be_differentiated_twice_and_the_fused_one_says_that_it_cannot():
    given = leaves(2, "running", False, False)
    q = given["qkv"][0]
    (once,) = torch.autograd.grad(
        outputs(chunk, given, "running", 3.0, "gelu")[0].square().sum(), q, create_graph=True
    )
    (twice,) = torch.autograd.grad(once.square().sum(), q)
    assert twice.abs().max() > 0
    (fused,) = torch.autograd.grad(
        outputs(fused_chunk, given, "running", 3.0, "gelu")[0].square().sum(), q, create_graph=True
    )
    with pytest.raises(RuntimeError, match="once_differentiable"):
        fused.square().sum().backward()
