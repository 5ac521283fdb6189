"""Bits a byte, against brute force: every order of a tiny window, and headers and lengths by hand."""

import itertools
import math

import numpy as np
import pytest
import torch

from bloomery.core.errors import UserError
from bloomery.diffusion.code.lexemes.tokenizer import LexemeTokenizer
from bloomery.diffusion.code.lexemes.vocabulary import SPECIAL
from bloomery.diffusion.code.modelling.autoregressive import causal, cost_of
from bloomery.diffusion.code.modelling.files import File
from bloomery.diffusion.code.modelling.losses import bounds, masked, masked_loss, spread
from bloomery.diffusion.code.modelling.measuring import bits_per_byte, bound_of
from bloomery.diffusion.code.modelling.model import MASK_ID, CodeModel
from bloomery.diffusion.code.modelling.windows import Encoded, Window, batched, encoded

CODE = b"a = f(b)\nif a:\n    b = a\n"
HEADER, LENGTH = 2, 6


@pytest.fixture(scope="module")
def model() -> CodeModel:
    tokenizer = LexemeTokenizer.trained([(CODE * 4, "python")], 1600)
    model = CodeModel.fresh(tokenizer, "tiny", num_hidden_layers=1)
    torch.manual_seed(0)
    with torch.no_grad():
        for weight in model.net.parameters():
            weight.add_(torch.randn_like(weight) * 0.15)
    return model


@pytest.fixture(scope="module")
def window(model: CodeModel) -> Window:
    return Window(encoded(model.tokenizer, File("f", "python", CODE)).body[:LENGTH], HEADER)


def batch_of(window: Window, count: int) -> dict[str, torch.Tensor]:
    return batched([window] * count, LENGTH + 2)


def any_order_nats(model: CodeModel, window: Window) -> float:
    """The mean over all orders of -log p of the tokens, one after another, each given those already there."""
    x0, places, total = torch.from_numpy(window.tokens), range(HEADER, LENGTH), 0.0
    orders = list(itertools.permutations(places))
    for order in orders:
        x = x0.clone()
        x[HEADER:] = MASK_ID
        for place in order:
            logits = model.logits(x[None])[0, place].double()
            logits[MASK_ID] = -torch.inf
            total -= float(logits.log_softmax(-1)[x0[place]])
            x[place] = x0[place]
    return total / len(orders)


@torch.no_grad()
def test_the_bound_is_the_mean_over_all_orders(model: CodeModel, window: Window) -> None:
    expected, draw = any_order_nats(model, window), torch.Generator().manual_seed(0)
    found = bounds(model.net, model.tokenizer, batch_of(window, 4000), spread(4000, draw), draw)
    error = float(found.std()) / math.sqrt(4000)
    assert error < 0.02 * expected
    assert float(found.mean()) == pytest.approx(expected, abs=4 * error)


@torch.no_grad()
def test_the_masked_process_of_the_house_says_the_same(model: CodeModel, window: Window) -> None:
    """Times instead of numbers of masks: another estimator of the same bound."""
    draw, batch = torch.Generator().manual_seed(1), batch_of(window, 4000)
    losses = model.process.loss(
        model.denoiser(), batch["x"][:, :LENGTH], draw, mask=batch["mask"][:, :LENGTH]
    )
    expected, error = any_order_nats(model, window), float(losses.std()) / math.sqrt(4000)
    assert float(losses.mean()) == pytest.approx(expected, abs=4 * error)


@pytest.mark.parametrize(("share", "count"), [(0.0, 1), (0.24, 1), (0.25, 2), (0.6, 3), (0.999, 4)])
def test_so_large_a_share_of_the_places_is_masked(window: Window, share: float, count: int) -> None:
    batch = batch_of(window, 400)
    x, counted = masked(batch["x"], batch["mask"], torch.full((400,), share), torch.Generator())
    hidden = x == MASK_ID
    assert counted.tolist() == hidden.sum(-1).tolist() == [count] * 400
    assert not (hidden & ~batch["mask"]).any()
    assert torch.equal(x[~hidden], batch["x"][~hidden])
    often = hidden.float().mean(0)[HEADER:LENGTH]
    assert torch.allclose(often, torch.full((4,), count / 4), atol=0.1)


def test_shares_are_spread_evenly_and_shuffled() -> None:
    found = spread(8, torch.Generator().manual_seed(0))
    assert torch.equal((found.sort().values * 8).long(), torch.arange(8))
    assert not torch.equal(found, found.sort().values)


def test_a_window_without_a_place_for_masks_is_refused(window: Window) -> None:
    batch = batched([Window(window.tokens, LENGTH)], LENGTH)
    with pytest.raises(UserError, match="no place where masks may fall"):
        masked(batch["x"], batch["mask"], torch.tensor([0.5]), torch.Generator())


def test_everything_that_restores_the_bytes_is_counted() -> None:
    """3 files of a net that thinks all 7 guessed tokens of a window equally likely, in windows of 16."""
    files = [Encoded(np.array([3, 10]), np.arange(20, 40), np.array([0, 10]), 50) for _ in range(3)]
    found = bits_per_byte(
        lambda batch, share, draw: batch["mask"].sum(-1) * math.log(7), files, 16, draws=2, batch=2
    )
    windows = 3 * 2  # of 10 tokens and their header each: they break at the line in the middle
    bits = 3 * 20 * math.log2(7) + 3 * math.log2(5 * 5 * 2) + windows * math.log2(16)
    assert found.bits_per_byte == pytest.approx(bits / 150, rel=1e-6)
    assert (found.error, found.draws, found.files, found.windows) == (0.0, 2, 3, windows)
    assert (found.size_bytes, found.tokens) == (150, 3 * 22)
    with pytest.raises(UserError, match="none was given"):
        bits_per_byte(lambda batch, share, draw: share, [], 16)


def test_equal_seeds_measure_the_same_and_padding_counts_nothing(model: CodeModel) -> None:
    files = [encoded(model.tokenizer, File("f", "python", CODE * count)) for count in (1, 3)]
    cost = bound_of(model)
    one, again = (bits_per_byte(cost, files, 32, draws=3, batch=4) for _ in range(2))
    assert one == again
    assert one.bits_per_byte != bits_per_byte(cost, files, 32, draws=3, batch=4, seed=1).bits_per_byte
    alone = bits_per_byte(cost, files, 32, draws=40, batch=1)
    together = bits_per_byte(cost, files, 32, draws=40, batch=16)
    assert alone.bits_per_byte == pytest.approx(
        together.bits_per_byte, abs=4 * (alone.error + together.error)
    )


def test_the_loss_is_the_bound_a_token(model: CodeModel, window: Window) -> None:
    batch = batch_of(window, 8)
    loss = masked_loss(model.tokenizer)(model.net, batch, torch.Generator().manual_seed(3))
    draw = torch.Generator().manual_seed(3)
    share = spread(8, draw)
    assert torch.equal(loss, bounds(model.net, model.tokenizer, batch, share, draw) / (LENGTH - HEADER))


@torch.no_grad()
def test_from_left_to_right_a_window_costs_what_its_tokens_cost_one_after_another(model: CodeModel) -> None:
    """No later token changes an earlier one's cost, and what the header costs is not counted."""
    net = causal(CodeModel.fresh(model.tokenizer, "tiny", seed=4).net)
    for weight in net.parameters():
        weight.add_(torch.randn(weight.shape, generator=torch.Generator().manual_seed(2)) * 0.1)
    cost, body = cost_of(net, model.tokenizer), encoded(model.tokenizer, File("f", "python", CODE)).body
    nats = [
        float(cost(batched([Window(body[:length], HEADER)], length + 1), torch.zeros(1), torch.Generator()))
        for length in range(3, 9)
    ]
    steps = np.diff(nats)
    assert (steps > 0).all()
    other = body[:8].copy()
    other[7] = SPECIAL.index("<end>")
    changed = float(cost(batched([Window(other, HEADER)], 8), torch.zeros(1), torch.Generator()))
    assert changed != pytest.approx(nats[-1], abs=1e-3)
    x = torch.from_numpy(np.concatenate([[MASK_ID], body[:7]]))[None]
    logits = net(x, **CodeModel(net, model.tokenizer).signals(x))[0, 7]
    logits[MASK_ID] = -torch.inf
    assert steps[-1] == pytest.approx(-float(logits.log_softmax(-1)[body[7]]), abs=1e-4)
