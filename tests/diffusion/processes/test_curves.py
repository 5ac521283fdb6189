"""Schedules as functions against their formulas in NumPy, and what each must be."""

import numpy as np
import pytest
import torch

from bloomery.core.errors import UnknownName, UserError
from bloomery.diffusion.processes import curves
from bloomery.diffusion.processes.curves import CURVES, curve_named, left, log_snr, slope
from bloomery.diffusion.schedules import cosine as cosine_table

T = np.linspace(0, 1, 41)
every = pytest.mark.parametrize("name", CURVES)


def logistic(x):
    return 1 / (1 + np.exp(-x))


FORMULAS = {
    "linear": 1 - T,
    "linear-rate": np.exp(-0.1 * T - 19.9 * T**2 / 2),
    "cosine": np.cos((T + 0.008) / 1.008 * np.pi / 2) ** 2 / np.cos(0.008 / 1.008 * np.pi / 2) ** 2,
    "cosine-masks": 1 - np.cos((1 - T) * np.pi / 2),
    "polynomial": 1 - T**2,
    "sigmoid": (logistic(3) - logistic(6 * T - 3)) / (logistic(3) - logistic(-3)),
}


@every
def test_a_curve_is_its_formula(name):
    found = left(curve_named(name), torch.from_numpy(T))
    np.testing.assert_allclose(found, FORMULAS[name], atol=1e-14)  # round-off in double precision


@every
def test_a_curve_falls_from_exactly_1_to_about_0(name):
    """Exactly: then the last step commits everything."""
    found = left(curve_named(name), torch.from_numpy(T))
    assert found[0] == 1
    assert (found.diff() < 0).all()
    assert 0 <= found[-1] < 1e-4
    assert curves.custom(curve_named(name).left).left(torch.zeros(1, dtype=torch.float64)) == 1


@every
def test_a_slope_is_the_limit_of_differences(name):
    t, h = torch.linspace(0.05, 0.95, 19, dtype=torch.float64), 1e-5
    curve = curve_named(name)
    differences = (left(curve, t + h) - left(curve, t - h)) / (2 * h)
    torch.testing.assert_close(slope(curve, t), differences, atol=1e-7, rtol=1e-7)


def test_a_slope_is_found_where_gradients_are_off():
    t = torch.tensor([0.5], dtype=torch.float64)
    with torch.inference_mode():
        assert slope(curves.linear(), t).item() == -1


@every
def test_log_snr_falls_and_gives_the_share_back(name):
    t = torch.linspace(0.01, 0.99, 50, dtype=torch.float64)
    found = log_snr(curve_named(name), t)
    assert (found.diff() < 0).all()
    torch.testing.assert_close(torch.sigmoid(found), left(curve_named(name), t))


def test_linear_rate_is_the_limit_of_ddpms_linear_variances():
    """Of 1000 steps, as in the paper; the two differ by the steps' size."""
    beta = 1e-4 + (0.02 - 1e-4) * np.arange(1000) / 999
    found = left(curves.linear_rate(), torch.arange(1, 1001) / 1000)
    np.testing.assert_allclose(found, np.cumprod(1 - beta), atol=2e-3)


def test_a_table_is_its_own_at_its_steps_and_straight_between():
    table = cosine_table(20)
    at = torch.arange(21, dtype=torch.float64) / 20
    curve = curves.from_schedule(table)
    torch.testing.assert_close(left(curve, at), table.alpha_bar, atol=1e-15, rtol=1e-9)
    middle = (table.alpha_bar[:-1] + table.alpha_bar[1:]) / 2
    torch.testing.assert_close(left(curve, at[:-1] + 0.025), middle)


def test_points_make_a_curve_whose_slope_is_that_of_its_pieces():
    curve = curves.from_points([1, 0.9, 0.1])
    t = torch.tensor([0.25, 0.75], dtype=torch.float64)
    torch.testing.assert_close(left(curve, t), torch.tensor([0.95, 0.5], dtype=torch.float64))
    torch.testing.assert_close(slope(curve, t), torch.tensor([-0.2, -1.6], dtype=torch.float64))


@pytest.mark.parametrize("points", [[1.0], [0.9, 0.1], [1, 0.5, 0.5], [1, -0.1], [1, float("nan")]])
def test_points_that_do_not_fall_from_1_within_0_and_1_are_refused(points):
    with pytest.raises(UserError, match="schedule"):
        curves.from_points(points)


def test_a_function_that_gives_one_number_for_all_times_is_refused():
    with pytest.raises(UserError, match="one finite number for each t"):
        curves.custom(lambda t: t.new_ones(()))


def test_an_unknown_schedule_is_told_with_the_nearest():
    with pytest.raises(UnknownName, match="cosine"):
        curve_named("cosin")


@pytest.mark.parametrize("t", [-0.1, 1.1, float("nan")])
def test_times_outside_0_and_1_are_refused(t):
    with pytest.raises(UserError, match="from 0 to 1"):
        left(curves.linear(), torch.tensor([t]))


def test_parameters_that_make_no_schedule_are_refused():
    with pytest.raises(UserError, match="above 0"):
        curves.polynomial(0)
    with pytest.raises(UserError, match="start < end"):
        curves.sigmoid(3, -3)
