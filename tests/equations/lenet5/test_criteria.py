"""LeNet-5's squashing function, output units and criteria against their equations in NumPy, in float64."""

import math

import numpy as np
import pytest
import torch

from bloomery.models.lenet import maximum_a_posteriori, mean_squared_error, penalties, squash

ROUND_OFF = {"atol": 1e-12, "rtol": 1e-12}  # float64 on both sides, sums of at most 84 terms
PATTERNS, CLASSES, WIDTH = 7, 10, 84


def numbers(*shape: int, seed: int) -> np.ndarray:
    return np.random.default_rng(seed).normal(size=shape)


@pytest.fixture
def labels() -> np.ndarray:
    return np.random.default_rng(4).integers(0, CLASSES, PATTERNS)


@pytest.fixture
def y() -> np.ndarray:
    return np.random.default_rng(3).uniform(0, 6, size=(PATTERNS, CLASSES))


@pytest.mark.equation("lenet5", 5)
@pytest.mark.equation("lenet5", 6)
def test_a_unit_squashes_its_weighted_sum():
    """The hyperbolic tangent by exponentials: A (e^2Sa - 1) / (e^2Sa + 1)."""
    a = np.linspace(-4, 4, 33)
    grown = np.exp(2 * (2 / 3) * a)
    expected = 1.7159 * (grown - 1) / (grown + 1)
    np.testing.assert_allclose(squash(torch.from_numpy(a)).numpy(), expected, **ROUND_OFF)


@pytest.mark.equation("lenet5", 6)
def test_the_squash_is_about_one_at_one_with_a_gain_of_about_one():
    """Appendix A chooses A and S so that f(+-1) = +-1 and that the second derivative is largest at +-1."""
    a = torch.tensor([1.0, -1.0], dtype=torch.float64)
    assert squash(a).tolist() == pytest.approx([1.0, -1.0], abs=1e-4)  # A is printed with five digits
    points = torch.linspace(0.2, 2, 1801, dtype=torch.float64)
    curvature = (squash(points + 1e-3) - 2 * squash(points) + squash(points - 1e-3)).abs()
    assert points[curvature.argmax()] == pytest.approx(1.0, abs=0.02)  # S = 2/3 is rounded: it lies at 0.988


@pytest.mark.equation("lenet5", 7)
def test_an_output_unit_is_the_squared_distance_to_its_code():
    x, w = numbers(PATTERNS, WIDTH, seed=1), np.sign(numbers(CLASSES, WIDTH, seed=2))
    expected = [[sum((xj - wij) ** 2 for xj, wij in zip(row, code, strict=True)) for code in w] for row in x]
    found = penalties(torch.from_numpy(x), torch.from_numpy(w)).numpy()
    np.testing.assert_allclose(found, expected, **ROUND_OFF)


@pytest.mark.equation("lenet5", 8)
def test_maximum_likelihood_is_the_mean_penalty_of_the_right_class(y, labels):
    expected = sum(y[p, labels[p]] for p in range(PATTERNS)) / PATTERNS
    found = mean_squared_error(torch.from_numpy(y), torch.from_numpy(labels))
    np.testing.assert_allclose(float(found), expected, **ROUND_OFF)


@pytest.mark.equation("lenet5", 9)
@pytest.mark.parametrize("j", [0.1, 1.0, 20.0])
def test_maximum_a_posteriori_weighs_the_right_class_against_all_and_rubbish(y, labels, j):
    terms = [
        y[p, labels[p]] + math.log(math.exp(-j) + sum(math.exp(-penalty) for penalty in y[p]))
        for p in range(PATTERNS)
    ]
    found = maximum_a_posteriori(torch.from_numpy(y), torch.from_numpy(labels), j)
    np.testing.assert_allclose(float(found), sum(terms) / PATTERNS, **ROUND_OFF)


@pytest.mark.equation("lenet5", 9)
def test_wrong_classes_are_pushed_away_and_less_so_the_further_they_are(y, labels):
    """dE/dy_i of a wrong class is -e^-y_i / (e^-j + sum e^-y) / P: negative, and of e^-y in size."""
    given = torch.from_numpy(y).requires_grad_()
    maximum_a_posteriori(given, torch.from_numpy(labels), 1.0).backward()
    total = math.exp(-1.0) + np.exp(-y).sum(1, keepdims=True)
    expected = -np.exp(-y) / total / PATTERNS
    expected[np.arange(PATTERNS), labels] += 1 / PATTERNS
    np.testing.assert_allclose(given.grad.numpy(), expected, **ROUND_OFF)


@pytest.mark.equation("lenet5", 9)
def test_where_rubbish_is_unthinkable_the_posterior_is_softmax(y, labels):
    given = torch.from_numpy(y)
    expected = torch.nn.functional.cross_entropy(-given, torch.from_numpy(labels))
    found = maximum_a_posteriori(given, torch.from_numpy(labels), 700.0)
    torch.testing.assert_close(found, expected, rtol=1e-12, atol=1e-12)


@pytest.mark.equation("lenet5", 9)
def test_far_penalties_neither_overflow_nor_vanish():
    """84 points at most 2.72 away: penalties reach 621, where e^-y is 0 in float32."""
    far = torch.full((2, CLASSES), 621.0)
    found = maximum_a_posteriori(far, torch.tensor([0, 9]), 1.0)
    assert found.item() == pytest.approx(620.0)  # y_D - j: rubbish is by far the likeliest


def test_a_penalty_that_is_no_number_is_not_hidden():
    y = torch.tensor([[math.nan, 1.0], [1.0, 2.0]])
    assert maximum_a_posteriori(y, torch.tensor([1, 0]), 1.0).isnan()
