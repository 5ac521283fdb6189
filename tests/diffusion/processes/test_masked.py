"""Masked diffusion against enumeration of all masks, and against closed forms."""

from itertools import permutations, product

import numpy as np
import pytest
import torch

from bloomery.core.errors import UserError
from bloomery.diffusion.processes import curves
from bloomery.diffusion.processes.bounds import any_order_loss, steps_bound
from bloomery.diffusion.processes.curves import CURVES, curve_named
from bloomery.diffusion.processes.masked import MaskedDiffusion

LENGTH, WORDS = 5, 4
MASK = WORDS
X0 = torch.tensor([2, 0, 3, 1, 1])
TABLE = 2 * torch.randn(2**LENGTH, LENGTH, WORDS + 1, generator=torch.Generator().manual_seed(7)).double()
BITS = 2 ** torch.arange(LENGTH)
every = pytest.mark.parametrize("name", CURVES)
etas = pytest.mark.parametrize("eta", [0.0, 0.4, 1.0])


def seeded(seed=0):
    return torch.Generator().manual_seed(seed)


def net(x, t):
    """Any logits at all, one row for each set of masks, that depend on the tokens too."""
    return TABLE[((x == MASK) * BITS).sum(-1)] + 0.3 * (x * (x != MASK)).sum(-1)[:, None, None].sin()


def all_masks():
    """Every set of masks of X0. Shapes: (32, 5) tokens, (32,) counts"""
    masked = torch.tensor(list(product([False, True], repeat=LENGTH)))
    return torch.where(masked, MASK, X0), masked.sum(-1)


def costs(process):
    x, _ = all_masks()
    return process.cost(net(x, None), x, X0.expand_as(x))


def in_any_order():
    """-log p of X0, token by token, over all 120 orders, in NumPy."""
    total = []
    for order in permutations(range(LENGTH)):
        x, nats = X0.clone(), 0.0
        x[:] = MASK
        for place in order:
            logits = net(x[None], None)[0, place, :WORDS].numpy()
            nats -= logits[X0[place]] - np.log(np.exp(logits).sum())
            x[place] = X0[place]
        total.append(nats)
    return float(np.mean(total))


@every
def test_the_bound_is_that_of_any_order_whatever_the_schedule(name):
    """The integral over t, of the expectation over all 32 masks; Gauss-Legendre in pieces."""
    process = MaskedDiffusion(mask=MASK, curve=curve_named(name))
    place, width = np.polynomial.legendre.leggauss(40)
    edges = torch.linspace(0, 1, 26, dtype=torch.float64) ** 2  # finer where the rate grows
    middle, half = (edges[1:] + edges[:-1]) / 2, (edges[1:] - edges[:-1]) / 2
    t = (middle[:, None] + half[:, None] * torch.from_numpy(place)).flatten()
    dt = (half[:, None] * torch.from_numpy(width)).flatten()
    alpha, (_, counts) = process.left(t)[:, None], all_masks()
    chance = alpha ** (LENGTH - counts) * (1 - alpha) ** counts
    end = process.left(
        torch.ones(1)
    )  # what a schedule that ends above 0 leaves: no masks, no cost, for certain
    bound = (dt * process.rate(t) * (chance * costs(process)).sum(1)).sum()
    assert bound.item() == pytest.approx(in_any_order(), abs=1e-5 + 10 * end.item())


def test_the_loss_is_a_draw_of_the_bound():
    process = MaskedDiffusion(mask=MASK)
    found = process.loss(net, X0.expand(40_000, -1), seeded())
    error = found.std().item() / 200  # evenly spread times only make it less
    assert error < 0.1
    assert found.mean().item() == pytest.approx(in_any_order(), abs=4 * error + 1e-3 * in_any_order())


def test_so_many_masks_in_any_places_are_a_draw_of_the_bound_with_less_spread():
    process, x0 = MaskedDiffusion(mask=MASK), X0.expand(20_000, -1)
    found = any_order_loss(process, net, x0, seeded())
    error = found.std().item() / 20_000**0.5
    assert found.mean().item() == pytest.approx(in_any_order(), abs=4 * error)
    assert found.std() < 0.7 * process.loss(net, x0, seeded()).std()


def test_under_a_mask_each_number_of_masks_is_as_likely():
    asked, seen = torch.tensor([True, True, False, True, False]), []
    any_order_loss(
        MaskedDiffusion(mask=MASK),
        lambda x, t: seen.append((x, t)) or net(x, t),
        X0.expand(6000, -1),
        seeded(),
        mask=asked,
    )
    x, t = seen[0]
    assert (x[:, ~asked] == X0[~asked]).all()
    counts = (x == MASK).sum(1)
    torch.testing.assert_close(t, counts / 3)
    np.testing.assert_allclose(counts.bincount()[1:] / 6000, 1 / 3, atol=4 * (2 / 9 / 6000) ** 0.5)
    np.testing.assert_allclose((x == MASK).double().mean(0)[asked], 2 / 3, atol=4 * (2 / 9 / 6000) ** 0.5)
    with pytest.raises(UserError, match="no place"):
        any_order_loss(
            MaskedDiffusion(mask=MASK), net, X0[None], seeded(), mask=torch.zeros(5, dtype=torch.bool)
        )


@pytest.mark.parametrize("steps", [1, 4])
def test_the_bound_of_few_steps_is_that_of_enumeration(steps):
    """By enumeration of the masks at each step's time: linear, 1 / (K - i) of them are shown."""
    process, (_, counts) = MaskedDiffusion(mask=MASK), all_masks()
    expected = 0.0
    for i in range(steps):
        masked = 1 - i / steps
        chance = (1 - masked) ** (LENGTH - counts) * masked**counts
        expected += (chance * costs(process)).sum().item() / (steps - i)
    found = steps_bound(process, net, X0.expand(20_000, -1), steps, seeded())
    error = found.std().item() / 20_000**0.5
    assert found.mean().item() == pytest.approx(expected, abs=4 * error + 1e-9)


def test_a_token_keeps_by_its_share_and_all_are_masks_at_1():
    process = MaskedDiffusion(mask=MASK, curve=curves.polynomial(2))
    x0 = torch.zeros(3, 20_000, dtype=torch.long)
    found = process.corrupt(x0, torch.tensor([0.0, 0.5, 1.0]), seeded())
    assert (found[0] == 0).all()
    assert (found[2] == MASK).all()
    assert (found[1] == 0).double().mean().item() == pytest.approx(0.75, abs=4 * (0.1875 / 20_000) ** 0.5)


@etas
def test_corrupting_and_stepping_back_with_known_data_has_the_marginal_of_the_earlier_time(eta):
    process, draw = MaskedDiffusion(mask=MASK, curve=curves.cosine_masks()), seeded()
    t, s = torch.full((40,), 0.5, dtype=torch.float64), torch.full((40,), 0.35, dtype=torch.float64)
    x0 = torch.ones(40, 1000, dtype=torch.long)
    known = torch.nn.functional.one_hot(x0, WORDS).double().log()
    found = process.step(process.corrupt(x0, t, draw), known, t, s, draw, eta=eta)
    left = 1 - np.cos(0.65 * np.pi / 2)
    assert (found == 1).double().mean().item() == pytest.approx(
        left, abs=4 * (left * (1 - left) / 40_000) ** 0.5
    )
    assert set(found.unique().tolist()) == {1, MASK}


@etas
def test_the_last_step_commits_everything(eta):
    x = torch.tensor([[MASK, 1, MASK]] * 500)
    guess = MaskedDiffusion(mask=MASK).guess(torch.zeros(500, 3, WORDS + 1), x, torch.ones(500))
    found = MaskedDiffusion(mask=MASK).step(
        x, guess, torch.full((500,), 0.7), torch.zeros(500), seeded(), eta=eta
    )
    assert (found[:, 1] == 1).all()
    assert sorted(found.unique().tolist()) == [0, 1, 2, 3]


def test_without_eta_a_token_stays_and_a_mask_moves_at_the_posteriors_rate():
    """(alpha_s - alpha_t) / (1 - alpha_t) of linear alpha from 0.8 to 0.5: 3/8."""
    process, x = MaskedDiffusion(mask=MASK), torch.full((20, 2000), MASK)
    x[:, :1000] = 2
    guess = torch.tensor([0.5, 0.25, 0.25, 0.0]).double().log().expand(20, 2000, -1)
    found = process.step(x, guess, torch.full((20,), 0.8), torch.full((20,), 0.5), seeded())
    assert (found[:, :1000] == 2).all()
    rates = torch.stack([(found[:, 1000:] == word).double().mean() for word in range(WORDS)])
    expected = torch.tensor([0.5, 0.25, 0.25, 0.0]).double() * 3 / 8
    torch.testing.assert_close(rates, expected, atol=4 * (0.25 / 20_000) ** 0.5, rtol=0)


def test_with_eta_a_token_is_masked_again_at_the_rescaled_rate():
    """eta min(1, (1 - alpha_s) / alpha_t): 0.4 at alpha_t = 0.2, alpha_s = 0.5; 0.4 / 3 at 0.6 and 0.8."""
    process = MaskedDiffusion(mask=MASK)
    again, _ = process.chances(torch.tensor([0.8, 0.4]), torch.tensor([0.5, 0.2]), 0.4)
    torch.testing.assert_close(again, torch.tensor([0.4, 0.4 / 3]).double())


def test_no_guess_is_the_mask():
    process, x = MaskedDiffusion(mask=1), torch.ones(2, 3, dtype=torch.long)
    guess = process.guess(torch.zeros(2, 3, 4), x, torch.ones(2))
    assert guess.dtype == torch.float64
    torch.testing.assert_close(guess.exp()[0, 0], torch.tensor([1 / 3, 0, 1 / 3, 1 / 3]).double())


def test_under_a_mask_nothing_is_masked_and_nothing_is_asked():
    process, asked, seen = MaskedDiffusion(mask=MASK), torch.tensor([True, True, False, False, False]), []

    def watched(x, t):
        seen.append(x)
        return net(x, t)

    found = process.loss(watched, X0.expand(64, -1), seeded(), mask=asked)
    assert (seen[0][:, 2:] == X0[2:]).all()
    assert (seen[0][:, :2] == MASK).any()
    doubled = process.loss(watched, X0.expand(64, -1), seeded(), mask=asked, weight=torch.tensor(2.0))
    torch.testing.assert_close(doubled, 2 * found)


def test_a_draw_fills_masks_and_keeps_tokens():
    process, x = MaskedDiffusion(mask=MASK), torch.tensor([[0, MASK, 2]])
    guess = torch.tensor([0.0, 0, 0, 1]).double().log().expand(1, 3, -1)
    assert process.draw(x, guess, seeded()).tolist() == [[0, 3, 2]]


def test_what_makes_no_sense_is_refused():
    process, x = MaskedDiffusion(mask=MASK), torch.full((1, 3), MASK)
    guess = process.guess(torch.zeros(1, 3, WORDS), x, torch.ones(1))
    with pytest.raises(UserError, match="s is before t"):
        process.step(x, guess, torch.tensor([0.5]), torch.tensor([0.5]), seeded())
    with pytest.raises(UserError, match="eta of a masked step"):
        process.step(x, guess, torch.tensor([0.5]), torch.tensor([0.2]), seeded(), eta=-0.1)
    with pytest.raises(UserError, match="mask's own id"):
        process.loss(net, torch.full((1, LENGTH), MASK), seeded())
    with pytest.raises(UserError, match="logits"):
        process.guess(torch.zeros(1, 4, WORDS), x, torch.ones(1))
    with pytest.raises(UserError, match="NaN"):
        process.step(x, guess * torch.nan, torch.tensor([0.5]), torch.tensor([0.2]), seeded())
