"""Perfect nets against quadrature and against counting."""

import numpy as np
import pytest
import torch

from bloomery.core.errors import UserError
from bloomery.diffusion.processes.continuous import GaussianDiffusion
from bloomery.diffusion.processes.known import NormalMixture, TokenTable


def numbers(values):
    return torch.tensor(values, dtype=torch.float64)


MIXTURE = NormalMixture(numbers([0.3, 0.7]), numbers([[-1.0], [2.0]]), numbers([0.5, 0.2]))
TABLE = TokenTable(numbers([[0.4, 0.1, 0.0], [0.1, 0.1, 0.3]]))


def seeded(seed=0):
    return torch.Generator().manual_seed(seed)


@pytest.mark.parametrize("left", [0.05, 0.5, 0.95])
def test_the_expected_data_of_a_mixture_are_those_of_bayes_rule_on_a_grid(left):
    x0 = np.linspace(-5, 6, 40_001)
    prior = sum(w / s * np.exp(-((x0 - m) ** 2) / (2 * s**2)) for w, m, s in ((0.3, -1, 0.5), (0.7, 2, 0.2)))
    for x in (-2.0, 0.1, 1.3):
        posterior = prior * np.exp(-((x - left**0.5 * x0) ** 2) / (2 * (1 - left)))
        expected = (posterior * x0).sum() / posterior.sum()
        found = MIXTURE.expected(numbers([[x]]), numbers([left]))
        assert found.item() == pytest.approx(expected, abs=1e-9)


def test_draws_of_a_mixture_have_its_moments():
    x = MIXTURE.draw(100_000, seeded())
    assert x.mean().item() == pytest.approx(1.1, abs=0.02)
    assert x.var().item() == pytest.approx(0.3 * (0.25 + 1) + 0.7 * (0.04 + 4) - 1.1**2, abs=0.03)


@pytest.mark.parametrize("predicts", ["noise", "data", "velocity"])
def test_a_perfect_net_says_what_the_process_has_of_it(predicts):
    process, x = GaussianDiffusion(predicts=predicts), numbers([[0.3], [-1.0]])
    t = numbers([0.4, 0.7])
    guess = process.guess(MIXTURE.net(process)(x, t), x, t)
    torch.testing.assert_close(guess, MIXTURE.expected(x, process.left(t)))


def test_a_table_gives_each_token_given_the_others():
    say = TABLE.net(mask=3)
    found = say(torch.tensor([[3, 3], [0, 3], [3, 2]]), torch.ones(3)).softmax(-1)
    expected = [
        [[0.5, 0.5, 0], [0.5, 0.2, 0.3]],
        [[1, 0, 0], [0.8, 0.2, 0]],
        [[0, 1, 0], [0, 0, 1]],
    ]
    torch.testing.assert_close(found, numbers(expected))


def test_of_what_cannot_be_a_table_says_chance():
    found = TABLE.net(mask=3)(torch.tensor([[0, 2]]), torch.ones(1)).softmax(-1)
    torch.testing.assert_close(found, torch.full((1, 2, 3), 1 / 3).double())


def test_draws_are_counted_where_they_are_in_the_table():
    found = TABLE.counts(TABLE.draw(50_000, seeded())) / 50_000
    torch.testing.assert_close(found, TABLE.p, atol=4 * (0.25 / 50_000) ** 0.5, rtol=0)
    assert TABLE.counts(torch.tensor([[1, 2], [1, 2], [0, 1]])).tolist() == [[0, 1, 0], [0, 0, 2]]


def test_a_mask_that_is_a_token_is_refused():
    with pytest.raises(UserError, match="mask's id"):
        TABLE.net(mask=2)
