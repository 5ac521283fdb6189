"""SLERP against what is known of great circles."""

import math

import pytest
import torch

from bloomery.core.errors import ConfigError
from bloomery.forge.merging.slerp import slerp, slerp_all


def unit(degrees):
    return torch.tensor([math.cos(math.radians(degrees)), math.sin(math.radians(degrees))])


@pytest.mark.parametrize("t", [0.0, 0.25, 0.5, 1.0])
@pytest.mark.parametrize("angle", [5, 90, 170])
def test_on_the_unit_circle_it_goes_the_share_t_of_the_angle_from_the_first(t, angle):
    # sin is taken of angles known to 1e-7 and divided by sin(5 degrees) = 0.09
    assert torch.allclose(slerp(unit(10), unit(10 + angle), t=t), unit(10 + t * angle), rtol=0, atol=2e-6)


def test_tensors_count_as_one_flat_vector():
    generator = torch.Generator().manual_seed(0)
    a, b = torch.randn(2, 4, 3, generator=generator)
    flat = slerp(a.flatten(), b.flatten(), t=0.3)
    assert torch.equal(slerp(a, b, t=0.3), flat.view(4, 3))


def test_norms_are_not_touched_before_interpolating():
    # 3 along x and 5 along y, half-way: both weights are sin 45 / sin 90
    merged = slerp(torch.tensor([3.0, 0.0]), torch.tensor([0.0, 5.0]), t=0.5)
    half = math.sqrt(0.5)
    assert merged.tolist() == pytest.approx([3 * half, 5 * half], abs=1e-6)


@pytest.mark.parametrize("opposite", [1.0, -1.0])
def test_nearly_parallel_and_opposite_tensors_are_interpolated_linearly(opposite):
    angle = math.degrees(math.acos(0.9995))
    for degrees, is_linear in ((0.9 * angle, True), (1.2 * angle, False)):
        a, b = unit(0), opposite * unit(degrees)
        chord = 0.75 * a + 0.25 * b
        assert torch.allclose(slerp(a, b, t=0.25), chord, rtol=0, atol=1e-6) == is_linear


def test_with_a_zero_tensor_it_is_linear():
    a = torch.tensor([2.0, 4.0])
    assert slerp(torch.zeros(2), a, t=0.25).tolist() == [0.5, 1.0]
    assert slerp(torch.zeros(2), torch.zeros(2), t=0.25).tolist() == [0.0, 0.0]


def test_many_tensors_of_two_kinds_weigh_as_often_as_they_come():
    # a, then b, then b again on one circle: t = 1/2 of the way, then 1/3 of the rest: 2/3 of the angle in all
    merged = slerp_all([unit(0), unit(60), unit(60)], weights=[1, 1, 1])
    assert torch.allclose(merged, unit(40), rtol=0, atol=1e-6)


def test_the_weights_of_two_say_the_same_as_t():
    assert torch.equal(slerp_all([unit(0), unit(60)], weights=[3, 1]), slerp(unit(0), unit(60), t=0.25))


def test_leading_zero_weights_leave_their_tensors_out():
    merged = slerp_all([unit(0), unit(60), unit(90)], weights=[0, 0, 2])
    assert torch.allclose(merged, unit(90), rtol=0, atol=1e-6)


@pytest.mark.parametrize("count", [1, 2, 3])
def test_equal_tensors_merge_into_themselves_to_the_bit_and_are_copied(count):
    x = torch.randn(9, generator=torch.Generator().manual_seed(0))
    merged = slerp_all([x] * count, weights=[0.3] * count)
    assert torch.equal(merged, x)
    assert merged.data_ptr() != x.data_ptr()


@pytest.mark.parametrize("t", [-0.1, 1.1, float("nan")])
def test_a_place_outside_the_arc_is_refused(t):
    with pytest.raises(ConfigError, match=r"in \[0, 1\]"):
        slerp(unit(0), unit(60), t=t)


@pytest.mark.parametrize("weights", [(-1.0, 2.0), (0.0, 0.0)])
def test_weights_that_name_no_place_on_the_arc_are_refused(weights):
    with pytest.raises(ConfigError, match="SLERP takes them >= 0"):
        slerp_all([unit(0), unit(60)], weights=weights)
