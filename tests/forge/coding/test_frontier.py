"""The choice of coders against brute force."""

import itertools
import random

import pytest
import torch

from bloomery.core.errors import UserError
from bloomery.forge.coding.frontier import Choice, Point, choose, curve, lower_hull, measure
from bloomery.forge.coding.registry import CODERS
from bloomery.forge.coding.weights import proxy_error
from bloomery.models.packed.coded import Coded
from bloomery.models.packed.container import HEADER_BYTES, to_bytes
from bloomery.models.packed.decoding import decode

NOTHING = Coded("float32", (0,), {"values": torch.empty(0).numpy()})


def point(size, error):
    return Point(coder=f"{size}", size_bytes=size, error=error, coded=NOTHING)


def random_points(rng, count=8):
    return [point(rng.randrange(1, 60), rng.uniform(0, 9)) for _ in range(count)]


def tensors(seed, count=3):
    rng = random.Random(seed)
    return [random_points(rng) for _ in range(count)]


def best_for_price(points, price):
    return min(one.error + price * one.size_bytes for one in points)


@pytest.mark.parametrize("seed", range(20))
def test_the_hull_loses_nothing_at_any_price(seed):
    points = random_points(random.Random(seed))
    hull = lower_hull(points)
    assert set(hull) <= set(points)
    for price in (0.0, 0.01, 0.1, 0.3, 1.0, 10.0):
        assert best_for_price(hull, price) == pytest.approx(best_for_price(points, price))


@pytest.mark.parametrize("seed", range(20))
def test_every_step_of_the_curve_is_the_best_for_its_bytes(seed):
    every = tensors(seed)
    for choice in curve([lower_hull(points) for points in every]):
        rivals = (Choice(points=combination) for combination in itertools.product(*every))
        best = min(rival.error for rival in rivals if rival.size_bytes <= choice.size_bytes)
        assert choice.error == pytest.approx(best)


@pytest.mark.parametrize("seed", range(20))
def test_a_choice_is_in_its_budget_and_at_least_as_good_as_the_curve(seed):
    hulls = [lower_hull(points) for points in tensors(seed)]
    steps = list(curve(hulls))
    for budget in range(steps[0].size_bytes, steps[-1].size_bytes + 5):
        choice = choose(hulls, budget)
        assert choice.size_bytes <= budget
        assert choice.error <= min(step.error for step in steps if step.size_bytes <= budget) + 1e-12


def test_with_enough_bytes_all_take_their_least_error():
    every = tensors(3)
    found = choose([lower_hull(points) for points in every], 10**6)
    assert found.error == pytest.approx(sum(min(p.error for p in points) for points in every))


def test_too_few_bytes_say_how_many_it_takes():
    with pytest.raises(UserError, match="9 bytes are too few; the coarsest coders need 10"):
        choose([[point(4, 1.0)], [point(6, 1.0)]], 9)


def test_what_is_left_goes_to_refinements_that_fit():
    hulls = [[point(1, 10.0), point(11, 0.0)], [point(1, 10.0), point(3, 9.5)]]
    assert [p.size_bytes for p in choose(hulls, 5).points] == [1, 3]


def test_a_choice_of_real_coders_is_the_file_it_promises():
    generator = torch.Generator().manual_seed(0)
    weights = [torch.randn(12, 16, generator=generator), 0.1 * torch.randn(40, generator=generator)]
    coders = [CODERS[name] for name in ("kmeans-1", "kmeans-4", "blockfloat-15", "float16", "vptq-2x16")]
    hessian = torch.diag(torch.arange(1.0, 17.0))
    hulls = [
        lower_hull(measure(weights[0], coders, hessian=hessian)),
        lower_hull(measure(weights[1], coders, sensitivity=2.0)),
    ]
    choice = choose(hulls, 200)
    assert len(to_bytes([p.coded for p in choice.points])) == HEADER_BYTES + choice.size_bytes
    first, second = (decode(p.coded) for p in choice.points)
    expected = proxy_error(weights[0], first, hessian) + 2 * proxy_error(weights[1], second)
    assert choice.error == pytest.approx(expected)


def test_the_proxy_error_is_the_mean_error_of_the_outputs():
    generator = torch.Generator().manual_seed(0)
    weight, decoded = torch.randn(2, 5, 7, generator=generator, dtype=torch.float64)
    x = torch.randn(100, 7, generator=generator, dtype=torch.float64)
    outputs = (x @ (weight - decoded).T).square().sum() / 100
    assert proxy_error(weight, decoded, x.T @ x / 100) == pytest.approx(float(outputs))
    assert proxy_error(weight, decoded) == pytest.approx(float((weight - decoded).square().sum()))
