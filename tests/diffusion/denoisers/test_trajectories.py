"""What denoisers of trajectories must and must not change: one suite for all of them."""

import pytest
import torch
import torch.nn.functional as F

from bloomery.diffusion.denoisers.folders import load
from bloomery.diffusion.denoisers.trajectories import (
    TemporalUNet,
    TemporalUNetConfig,
    TrajectoryTransformer,
    TrajectoryTransformerConfig,
)
from tests.diffusion.denoisers.stirring import normal, stirred

EXACT = {"rtol": 0, "atol": 1e-10}  # double precision, sums in another order
T = torch.tensor([0.3, 0.8], dtype=torch.float64)
SIZES = {"width": 3, "condition_size": 4}


def transformer():
    sizes = {"hidden_size": 16, "num_hidden_layers": 2, "num_attention_heads": 2, "intermediate_size": 24}
    return TrajectoryTransformer(TrajectoryTransformerConfig(**SIZES, **sizes))


def unet():
    """With two channels to a group: the norm of a single one takes its convolution's bias away."""
    return TemporalUNet(TemporalUNetConfig(**SIZES, hidden_size=16, multiples=(1, 2, 2)))


@pytest.fixture(params=[transformer, unet])
def build(request):
    torch.manual_seed(0)
    return request.param


def test_at_the_start_it_says_0(build):
    assert torch.equal(build()(normal(2, 8, 3).float(), T.float()), torch.zeros(2, 8, 3))


@pytest.mark.parametrize("horizon", [1, 2, 5, 8, 13])
def test_any_horizon_comes_out_as_it_went_in_and_longer_rows_say_the_same_of_it(build, horizon):
    """Whatever stands in the padding."""
    net, x = stirred(build(), spread=0.1), normal(2, horizon, 3)
    said = net(x, T)
    assert said.shape == x.shape
    padded = torch.cat([x, 50 * normal(2, 6, 3, seed=4)], 1)
    seen = torch.arange(horizon + 6).expand(2, -1) < horizon
    torch.testing.assert_close(net(padded, T, seen=seen)[:, :horizon], said, **EXACT)


def test_rows_of_a_batch_do_not_meet(build):
    net, x, condition = stirred(build(), spread=0.1), normal(2, 6, 3), normal(2, 4, seed=1)
    alone = torch.cat([net(x[i : i + 1], T[i : i + 1], condition[i : i + 1]) for i in range(2)])
    torch.testing.assert_close(net(x, T, condition), alone, **EXACT)


def test_a_condition_counts_unless_nothing_of_it_is_seen(build):
    net, x, condition = stirred(build(), spread=0.2), normal(2, 6, 3), normal(2, 2, 4, seed=1)
    seen = torch.tensor([[True, True], [False, False]])
    said = net(x, T, condition, condition_seen=seen)
    torch.testing.assert_close(said[0], net(x, T, condition)[0], **EXACT)
    torch.testing.assert_close(said[1], net(x, T)[1], **EXACT)
    assert not torch.allclose(said[0], net(x, T)[0], atol=1e-6)
    one = net(x, T, condition[:, 0])
    torch.testing.assert_close(one, net(x, T, condition[:, :1]), **EXACT)
    hidden = torch.tensor([[True, False]] * 2)
    torch.testing.assert_close(net(x, T, condition, condition_seen=hidden), one, **EXACT)


def test_the_time_counts_and_so_does_every_step(build):
    net, x = stirred(build(), spread=0.2), normal(1, 4, 3)
    assert not torch.allclose(net(x, T[:1]), net(x, T[1:]), atol=1e-6)
    for step in range(4):
        other = x.clone()
        other[:, step] += 1
        assert ((net(other, T[:1]) - net(x, T[:1])).abs().amax(-1) > 1e-9).all()


def test_gradients_are_those_of_differences(build):
    net = stirred(build(), spread=0.2)
    x, condition = normal(1, 3, 3).requires_grad_(), normal(1, 2, 4, seed=1).requires_grad_()
    assert torch.autograd.gradcheck(lambda x, c: net(x, T[:1], c), (x, condition), atol=1e-6)
    net(x, T[:1], condition).square().sum().backward()
    assert [name for name, p in net.named_parameters() if p.grad is None or p.grad.abs().max() < 1e-9] == []


def test_a_saved_net_comes_back_with_the_same_bits(build, tmp_path):
    net = stirred(build(), spread=0.2).float()
    net.save_pretrained(tmp_path)
    again, x, condition = load(tmp_path), normal(2, 5, 3).float(), normal(2, 4).float()
    assert type(again) is type(net)
    assert torch.equal(again(x, T.float(), condition), net(x, T.float(), condition))


def test_a_u_net_of_one_level_is_its_convolutions_written_out():
    torch.manual_seed(0)
    net = stirred(TemporalUNet(TemporalUNetConfig(width=2, hidden_size=8, multiples=(1,), kernel=3)))
    x, time = normal(1, 4, 2), net.time(T[:1])

    def convolved(block, h):
        h = F.conv1d(h, block.conv.weight, block.conv.bias, padding=1)
        return F.mish(F.group_norm(h, 8, block.norm.weight, block.norm.bias))

    def residual(block, h):
        inner = convolved(block.first, h) + block.time(F.mish(time))[..., None]
        return convolved(block.second, inner) + block.straight(h)

    h = x.mT
    for block in [*net.net.down[0], *net.net.middle]:
        h = residual(block, h)
    expected = net.net.head(convolved(net.net.last, h).mT)
    torch.testing.assert_close(net(x, T[:1]), expected, **EXACT)


def test_what_a_net_does_not_take_is_said():
    with pytest.raises(ValueError, match="condition_size above 0"):
        TemporalUNet(TemporalUNetConfig(width=2, hidden_size=8))(normal(1, 4, 2).float(), T[:1], T[:1, None])
    with pytest.raises(ValueError, match="odd kernel; got 1 levels and kernel 4"):
        TemporalUNetConfig(multiples=(1,), kernel=4)
    with pytest.raises(ValueError, match="width must be at least 1"):
        TrajectoryTransformerConfig(width=0)
