"""The tiny recursion model: its sizes, its recursion against a plain loop, its losses by hand, its file."""

import numpy as np
import pytest
import torch

from bloomery.models.configuration_trm import MIXERS, TinyRecursionConfig
from bloomery.models.deep_recursion import State
from bloomery.models.modeling_trm import TinyRecursionModel, solved

CELLS, WIDTH, SYMBOLS, OWN = 6, 8, 5, 2
BOTH = pytest.mark.parametrize("mixer", MIXERS)


def model(mixer: str = "mlp", **options: object) -> TinyRecursionModel:
    torch.manual_seed(0)
    sizes = {
        "vocab_size": SYMBOLS, "seq_len": CELLS, "hidden_size": WIDTH, "num_attention_heads": 2,
        "intermediate_size": 12, "mixer_size": 7, "latent_updates": 2, "rounds": 2, "supervision_steps": 3,
        "puzzles": 4, "puzzle_tokens": OWN,
    }  # fmt: skip
    made = TinyRecursionModel(TinyRecursionConfig(mixer=mixer, **{**sizes, **options}))
    with torch.no_grad():  # both begin at zero, where neither could be seen
        made.puzzles.weight.normal_()
        made.halt.weight.normal_()
    return made.eval()


@pytest.fixture
def grids() -> torch.Tensor:
    return torch.randint(SYMBOLS, (3, CELLS), generator=torch.Generator().manual_seed(1))


@pytest.mark.parametrize(("mixer", "expected"), [("mlp", 5_036_545), ("attention", 6_835_713)])
def test_the_papers_sizes_give_the_papers_parameters(mixer, expected):
    """5M and 7M (table 4), counted: two layers, symbols in and out, 16 tokens of one puzzle."""
    width, hidden, places = 512, 1536, 81 + 16
    layer = 3 * width * hidden + (4 * width**2 if mixer == "attention" else 3 * places * 512)
    heads = 11 * width + width + 1
    assert expected == 2 * layer + 11 * width + 16 * width + heads
    with torch.device("meta"):
        made = TinyRecursionModel(TinyRecursionConfig(mixer=mixer))
    assert sum(p.numel() for p in made.parameters()) == expected
    assert round(expected / 1e6) == {"mlp": 5, "attention": 7}[mixer]


@BOTH
def test_a_model_answers_every_cell_and_says_once_whether_it_is_done(grids, mixer):
    output = model(mixer)(grids)
    assert output.loss is None
    assert output.logits.shape == (3, CELLS, SYMBOLS)
    assert output.halt_logits.shape == (3,)
    assert output.answer.shape == output.latent.shape == (3, OWN + CELLS, WIDTH)


@BOTH
@pytest.mark.parametrize("steps", [1, 3])
def test_a_supervision_step_is_the_papers_rounds_written_out(grids, mixer, steps):
    """Algorithm 3 as a plain loop over the same net, in float64."""
    made = model(mixer).double()
    ids = torch.tensor([2, 0, 3])
    with torch.no_grad():
        own = made.puzzles.weight[ids].reshape(3, OWN, WIDTH)
        x = torch.cat([own, made.symbols.weight[grids]], dim=1)
        y, z = (first.expand(3, OWN + CELLS, WIDTH) for first in (made.first_answer, made.first_latent))
        for _ in range(steps * 2):  # rounds
            for _ in range(2):  # updates of the latent
                z = made.net(x + y + z)
            y = made.net(y + z)
        output = made(grids, puzzle_ids=ids, supervision_steps=steps)
    logits = y.numpy()[:, OWN:] @ made.output.weight.detach().numpy().T
    q = y.numpy()[:, 0] @ made.halt.weight[0].detach().numpy() + made.halt.bias.item()
    # the same operations but for the heads' sums
    np.testing.assert_allclose(output.logits, logits, atol=1e-12)
    np.testing.assert_allclose(output.halt_logits, q, atol=1e-12)
    np.testing.assert_allclose(output.latent, z, atol=1e-12)


@BOTH
def test_steps_go_on_from_a_state_as_if_they_were_one_call(grids, mixer):
    made = model(mixer).double()
    first = made(grids, supervision_steps=2)
    then = made(grids, state=State(first.answer, first.latent), supervision_steps=1)
    whole = made(grids)
    torch.testing.assert_close(then.logits, whole.logits, rtol=0, atol=0)
    torch.testing.assert_close(then.latent, whole.latent, rtol=0, atol=0)
    assert not whole.answer.requires_grad


@BOTH
def test_every_cell_sees_every_other_the_earlier_ones_too(grids, mixer):
    made, changed = model(mixer), grids.clone()
    changed[:, -1] = (changed[:, -1] + 1) % SYMBOLS
    with torch.no_grad():
        moved = (made(grids).logits - made(changed).logits).abs().amax((0, 2))
    assert (moved > 0).all()


@BOTH
def test_a_grid_does_not_see_its_batch(grids, mixer):
    made = model(mixer).double()
    alone = torch.cat([made(one[None]).logits for one in grids])
    torch.testing.assert_close(made(grids).logits, alone, atol=1e-12, rtol=0)  # sums of up to 12 in float64


def test_the_loss_is_that_of_the_cells_and_of_being_right_over_all_steps(grids):
    made = model(halting_weight=0.5).double()
    labels = (grids + 1) % SYMBOLS
    labels[:, :2] = -100
    labels[0, 2:] = made(grids, supervision_steps=2).logits[0, 2:].argmax(-1)  # right after the second step
    expected = []
    for steps in (1, 2, 3):
        output = made(grids, supervision_steps=steps)
        logits, q = output.logits.detach().numpy()[:, 2:], output.halt_logits.detach().numpy()
        shares = np.exp(logits) / np.exp(logits).sum(-1, keepdims=True)
        wanted = labels[:, 2:, None].numpy()
        right = (logits.argmax(-1) == wanted[..., 0]).all(1)
        answers = -np.log(np.take_along_axis(shares, wanted, -1)).mean()
        halting = np.log1p(np.exp(np.where(right, -q, q))).mean()
        expected.append(answers + 0.5 * halting)
        assert right[0] == (steps == 2)
        assert torch.equal(solved(output.logits, labels), torch.from_numpy(right))
    found = made(grids, labels=labels).loss.item()
    assert found == pytest.approx(np.mean(expected), abs=1e-6)  # the losses are in float32


@pytest.mark.parametrize("rounds", [1, 2])
def test_a_step_learns_from_its_last_round_alone_and_not_from_the_step_before(grids, rounds):
    made, labels = model(rounds=rounds).double(), (grids + 1) % SYMBOLS
    reached = made(grids, supervision_steps=2)
    state = State(reached.answer, reached.latent)
    alone = [made(grids, labels=labels, supervision_steps=n).loss for n in (1, 2)]
    last = made(grids, labels=labels, state=state, supervision_steps=1).loss
    whole = made(grids, labels=labels).loss
    weight = made.net[0].feedforward.up_proj.weight
    of = [torch.autograd.grad(loss, weight)[0] for loss in (*alone, last, whole)]
    torch.testing.assert_close(of[3], (2 * of[1] + of[2]) / 3, atol=1e-7, rtol=0)  # losses are in float32
    assert not torch.allclose(of[0], of[3])


@BOTH
def test_a_saved_model_is_loaded_with_the_same_bits_its_beginnings_too(tmp_path, grids, mixer):
    saved = model(mixer)
    saved.save_pretrained(tmp_path)
    loaded = TinyRecursionModel.from_pretrained(tmp_path).eval()
    assert torch.equal(loaded(grids).logits, saved(grids).logits)
    assert loaded.config.mixer == mixer


def test_an_untrained_model_halts_nowhere_and_its_beginnings_have_unit_size():
    torch.manual_seed(0)
    made = TinyRecursionModel(
        TinyRecursionConfig(hidden_size=512, intermediate_size=8, seq_len=4, num_hidden_layers=1)
    )
    assert made(torch.zeros(2, 4, dtype=torch.long), supervision_steps=1).halt_logits.tolist() == [-5.0, -5.0]
    # of a normal cut at two deviations 0.88 is left; 512 draws lie within a tenth of that
    for drawn in (made.first_answer, made.first_latent, made.symbols.weight[1]):
        assert 0.78 < drawn.std().item() < 0.98
    assert not made.puzzles.weight.any()


@pytest.mark.parametrize(
    ("options", "says"),
    [
        ({"mixer": "conv"}, "mixer must be one of attention, mlp; got 'conv'"),
        ({"rounds": 0}, "rounds must be at least 1, got 0"),
        ({"puzzle_tokens": -1}, "puzzle_tokens must be at least 0, got -1"),
        ({"hidden_size": 9}, "width 9 does not split into 8 heads"),
    ],
)
def test_a_wrong_size_is_named(options, says):
    with pytest.raises(ValueError, match=says):
        TinyRecursionModel(TinyRecursionConfig(**options))


def test_a_grid_of_another_size_and_no_steps_are_refused(grids):
    with pytest.raises(ValueError, match="a grid has 6 cells here, got 5"):
        model()(grids[:, :5])
    with pytest.raises(ValueError, match="supervision_steps must be at least 1, got 0"):
        model()(grids, supervision_steps=0)


@BOTH
def test_no_grids_give_no_answers_and_a_loss_of_nothing_is_no_number(grids, mixer):
    made = model(mixer)
    output = made(grids[:0], labels=grids[:0])
    assert output.logits.shape == (0, CELLS, SYMBOLS)
    assert output.loss.isnan()
