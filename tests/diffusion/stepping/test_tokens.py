"""Samplers of tokens: the exact ones against the table they sample, selectors against hand-made cases."""

from itertools import pairwise

import pytest
import torch

from bloomery.core.errors import UnknownName, UserError
from bloomery.diffusion.processes import curves
from bloomery.diffusion.processes.continuous import GaussianDiffusion
from bloomery.diffusion.processes.known import TokenTable
from bloomery.diffusion.processes.masked import MaskedDiffusion
from bloomery.diffusion.processes.sampling import sample
from bloomery.diffusion.stepping import selecting as by
from bloomery.diffusion.stepping.ancestral import ancestral
from bloomery.diffusion.stepping.blocks import sample_blocks
from bloomery.diffusion.stepping.passes import Counted, Remembered
from bloomery.diffusion.stepping.remasking import remasking
from bloomery.diffusion.stepping.selecting import Candidates, selecting
from bloomery.diffusion.stepping.stopping import nothing_masked, settled

MASK = 3
PROCESS = MaskedDiffusion(mask=MASK)
FREE = torch.rand(3, 3, 3, 3, generator=torch.Generator().manual_seed(5), dtype=torch.float64) ** 4
TABLE = TokenTable(FREE / FREE.sum())
STRATEGIES = pytest.mark.parametrize("strategy", ["rescale", "cap", "confidence"])


def seeded(seed=0):
    return torch.Generator().manual_seed(seed)


def masks(count, length=4):
    return torch.full((count, length), MASK)


def draws(stepper, steps, count=4000, **options):
    net = Counted(TABLE.net(MASK))
    x = sample(PROCESS, net, masks(count), steps=steps, generator=seeded(), stepper=stepper, **options)
    return x, net.passes


def distance(x):
    """Total variation between the samples and the table."""
    return (TABLE.counts(x) / len(x) - TABLE.p).abs().sum().item() / 2


NOISE = (
    0.075  # of 4000 draws of the table itself it is 0.056 in the mean, and below this in all of 200 trials
)


def test_the_noise_of_the_distance_is_as_said():
    found = [distance(TABLE.draw(4000, seeded(seed))) for seed in range(50)]
    assert max(found) < NOISE


def test_the_exact_step_samples_the_table_and_few_steps_do_not():
    assert distance(draws(ancestral(), 128)[0]) < NOISE
    assert distance(draws(ancestral(), 1)[0]) > 2 * NOISE


def test_one_token_a_step_in_order_samples_the_table():
    x, passes = draws(selecting(by.leftmost(), temperature=1.0), 4)
    assert passes == 4
    assert distance(x) < NOISE


def test_keeping_the_surest_is_not_a_sample_of_the_process():
    """Which is why selectors are apart: the same tokens, drawn at temperature 1, in another order."""
    assert distance(draws(selecting(by.surest(1)), 4)[0]) > 2 * NOISE


@STRATEGIES
def test_remasking_samples_the_table_too(strategy):
    assert distance(draws(remasking(0.3, strategy), 128)[0]) < 1.5 * NOISE


@STRATEGIES
def test_remasking_keeps_the_share_of_masks(strategy):
    process, draw = MaskedDiffusion(mask=MASK, curve=curves.polynomial(2)), seeded()
    x0 = TABLE.draw(500, seeded()).repeat(1, 50)
    times = [torch.full((500,), time, dtype=torch.float64) for time in (0.8, 0.6, 0.5)]
    step, x = remasking(0.8, strategy)(process), process.corrupt(x0, times[0], draw)
    guess = torch.tensor([0.6, 0.3, 0.1, 0], dtype=torch.float64).log().expand(*x0.shape, 4)
    for t, s in pairwise(times):
        before, x = x, step(x, guess, t, s, draw)
        assert ((before != MASK) & (x == MASK)).any()
    assert (x == MASK).double().mean().item() == pytest.approx(0.25, abs=4 * (0.1875 / 100_000) ** 0.5)


def test_tokens_that_were_drawn_with_little_confidence_are_masked_again_more_often():
    step, x, draw = remasking(0.3, "confidence")(PROCESS), masks(4000, 20), seeded()
    guess = torch.tensor([0.9, 0.1, 0, 0], dtype=torch.float64).log().expand(4000, 20, 4)
    one, half, end = (torch.full((4000,), time, dtype=torch.float64) for time in (1.0, 0.5, 0.4))
    known = step(x, guess, one, half, draw)
    after = step(known, guess, half, end, draw)
    lost = [((known == word) & (after == MASK)).sum() / (known == word).sum() for word in (0, 1)]
    assert (lost[1] / lost[0]).item() == pytest.approx(torch.tensor(0.8).exp().item(), rel=0.1)


def test_outside_of_its_times_nothing_is_masked_again():
    step, x = remasking(1.0, begin_at=0.5, end_at=0.2)(PROCESS), torch.zeros(100, 100, dtype=torch.long)
    guess = torch.zeros(100, 100, 4, dtype=torch.float64)
    for begin, end, again in ((0.9, 0.8, False), (0.5, 0.4, True), (0.2, 0.1, False)):
        t, s = torch.full((100,), begin), torch.full((100,), end)
        assert (step(x, guess, t, s, seeded()) == MASK).any() == again


P = [[0.5, 0.3, 0.2, 0], [0.95, 0.05, 0, 0], [0.92, 0.04, 0.04, 0], [0.6, 0.4, 0, 0], [0.99, 0.01, 0, 0]]
MASKED = torch.tensor([[True, True, True, True, False]])


def candidates(share=0.5):
    log_p = torch.tensor([P], dtype=torch.float64).log()
    return Candidates(log_p, log_p.argmax(-1), MASKED, torch.tensor([share], dtype=torch.float64))


@pytest.mark.parametrize(
    ("selector", "kept"),
    [
        (by.surest(), [1, 2]),  # half of four masks
        (by.surest(3), [1, 2, 3]),
        (by.surest(2, "margin"), [1, 2]),
        (by.surest(1, "entropy"), [1]),
        (by.surest(3, "margin"), [0, 1, 2]),  # places 0 and 3 lead by 0.2 both: the first
        (by.leftmost(2), [0, 1]),
        (by.threshold(0.9), [1, 2]),
        (by.threshold(0.55), [1, 2, 3]),
        (by.factor(0.2), [1]),  # 2 x 0.05 is below, 3 x 0.08 is not
        (by.factor(0.3), [1, 2]),  # 3 x 0.08 is below, 4 x 0.4 is not
        (by.entropy_bound(0.0), [1]),
        (by.entropy_bound(0.2), [1, 2]),  # entropies: 0.199, 0.334, 0.673, 1.03 nats
        (by.entropy_bound(0.55), [1, 2, 3]),
    ],
)
def test_a_selector_keeps(selector, kept):
    assert selector(candidates())[0].nonzero()[:, 0].tolist() == kept


@pytest.mark.parametrize("selector", [by.threshold(1.0), by.factor(1e-9), by.surest(), by.entropy_bound(0)])
def test_each_step_keeps_a_token_at_least_and_the_last_all(selector):
    step, x = selecting(selector)(PROCESS), masks(2, 5)
    guess = torch.tensor([P, P], dtype=torch.float64).log()
    first = step(x, guess, torch.tensor([1.0, 1.0]), torch.tensor([0.99, 0.99]), seeded())
    assert ((first != MASK).sum(1) == 1).all()
    assert (first[:, 4] == 0).all()  # the surest
    last = step(first, guess, torch.tensor([0.5, 0.5]), torch.tensor([0.0, 0.0]), seeded())
    assert not (last == MASK).any()


def test_what_was_kept_stays():
    step, x = selecting(by.surest(3))(PROCESS), torch.tensor([[2, MASK, 2, MASK, 2]])
    guess = torch.tensor([P], dtype=torch.float64).log()
    assert step(x, guess, torch.tensor([0.5]), torch.tensor([0.4]), seeded()).tolist() == [[2, 0, 2, 0, 2]]


def test_selectors_of_many_tokens_a_step_make_fewer_passes():
    """A table of words that all follow from the first: one pass for it, one for the rest."""
    p = torch.zeros(3, 3, 3, 3, dtype=torch.float64)
    p[0, 1, 2, 0], p[1, 0, 0, 2] = 0.6, 0.4
    net = Counted(TokenTable(p).net(MASK))
    options = {"steps": 4, "generator": seeded(), "done": nothing_masked(MASK)}
    x = sample(PROCESS, net, masks(50), stepper=selecting(by.entropy_bound(0.1), 1.0), **options)
    assert {tuple(row) for row in x.tolist()} == {(0, 1, 2, 0), (1, 0, 0, 2)}
    assert net.passes == 2


def test_blocks_are_filled_one_after_the_other():
    seen = []

    def watch(x, guess, t):
        seen.append((x == MASK)[0].tolist())

    prepared = []

    def prepare(x, start, end):
        prepared.append((start, end, (x == MASK).sum().item()))
        return TokenTable(torch.ones(3, 3, 3, 3, 3, dtype=torch.float64) / 243).net(MASK)

    x = torch.tensor([[2, MASK, MASK, MASK, MASK]])
    found = sample_blocks(
        PROCESS,
        prepare(x, 0, 0),
        x,
        block=2,
        steps=2,
        begin=1,
        generator=seeded(),
        stepper=selecting(by.leftmost()),
        prepare=prepare,
        watch=watch,
    )
    assert prepared[1:] == [(1, 3, 4), (3, 5, 2)]
    assert [sum(masked) for masked in seen] == [4, 3, 2, 1]
    assert found[0, 0] == 2
    assert not (found == MASK).any()


def test_a_block_that_is_full_ends_early_and_the_next_is_filled_all_the_same():
    net = Counted(TABLE.net(MASK))
    options = {"block": 2, "steps": 6, "generator": seeded(), "stepper": selecting(by.leftmost())}
    found = sample_blocks(PROCESS, net, masks(1), done=nothing_masked(MASK), **options)
    assert not (found == MASK).any()
    assert net.passes == 4


def test_a_block_whose_guess_has_settled_is_committed_and_no_other():
    net = Counted(TABLE.net(MASK))
    options = {"block": 2, "steps": 6, "generator": seeded(), "stepper": selecting(by.leftmost())}
    found = sample_blocks(
        PROCESS, net, masks(1), stop=lambda x, guess, t: guess.shape == (1, 2, 3), **options
    )
    assert not (found == MASK).any()
    assert net.passes == 2


def test_blocks_of_the_exact_step_sample_the_table():
    x = sample_blocks(
        PROCESS, TABLE.net(MASK), masks(4000), block=2, steps=64, generator=seeded(), stepper=ancestral()
    )
    assert distance(x) < NOISE


def test_known_masks_do_not_keep_a_sample_going():
    known = torch.tensor([True, False])
    done = nothing_masked(MASK, known)
    assert done(torch.tensor([[MASK, 1]]), 0.5)
    assert not done(torch.tensor([[1, MASK]]), 0.5)
    assert not nothing_masked(MASK)(torch.tensor([[MASK, 1]]), 0.5)


def test_a_guess_that_no_longer_moves_ends_a_sample():
    stop, x = settled(0.1, patience=2), torch.zeros(1, 1)
    guesses = [0.0, 0.05, 1.0, 1.05, 1.1]
    assert [stop(x, torch.full((1, 1), g), 0.5) for g in guesses] == [False, False, False, False, True]
    tokens = settled(0.1)
    p = [[0.5, 0.5], [0.45, 0.55]]
    told = [tokens(torch.zeros(1, 1, dtype=torch.long), torch.tensor([[row]]).log(), 0.5) for row in p]
    assert told == [False, True]


def test_a_net_without_time_is_not_asked_twice():
    """Of 64 steps over 4 tokens at most 5 see something new."""
    net = Counted(TABLE.net(MASK))
    plain, _ = draws(ancestral(), 64, count=1)
    found = sample(PROCESS, Remembered(net), masks(1), steps=64, generator=seeded(), stepper=ancestral())
    assert torch.equal(found, plain)
    assert net.passes <= 5


def test_what_makes_no_sense_is_refused():
    for make, wrong in ((by.threshold, 0), (by.factor, 0), (by.entropy_bound, -1), (by.surest, 0)):
        with pytest.raises(UserError, match=r"is above 0|is 0 nats|1 token or more"):
            make(wrong)
    with pytest.raises(UserError, match="1 token or more"):
        sample_blocks(PROCESS, None, masks(1), block=0, steps=1, generator=seeded(), stepper=ancestral())
    with pytest.raises(UnknownName, match="margin"):
        by.confidence(candidates(), "margins")
    with pytest.raises(UnknownName, match="rescale"):
        remasking(0.5, "rescaled")
    with pytest.raises(UserError, match="tolerance"):
        settled(0)
    with pytest.raises(UserError, match="not for GaussianDiffusion"):
        selecting(by.surest())(GaussianDiffusion())
