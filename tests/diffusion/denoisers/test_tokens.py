"""What a denoiser of tokens must and must not change."""

import pytest
import torch

from bloomery.core.errors import MissingFile
from bloomery.diffusion.denoisers.caching import keeping
from bloomery.diffusion.denoisers.folders import load
from bloomery.diffusion.denoisers.tokens import TokenDenoiser, TokenDenoiserConfig
from tests.diffusion.denoisers.stirring import stirred

EXACT = {"rtol": 0, "atol": 1e-11}  # double precision, sums in another order
SMALL = {
    "vocab_size": 11,
    "hidden_size": 16,
    "num_hidden_layers": 2,
    "num_attention_heads": 2,
    "intermediate_size": 24,
}
IDS = torch.tensor([[1, 2, 3, 4, 5, 6], [7, 8, 9, 10, 0, 1]])
PROMPT = torch.tensor([[3, 1, 4], [1, 5, 2]])
T = torch.tensor([0.3, 0.8])


def build(**options):
    torch.manual_seed(0)
    return TokenDenoiser(TokenDenoiserConfig(**SMALL | options)).eval()


def conditional(**options):
    return stirred(build(condition_vocab_size=6, **options))


def test_at_the_start_every_token_is_as_likely_as_any_other():
    net = build(condition_vocab_size=6, timed=True, lines=4)
    assert torch.equal(net(IDS, T, PROMPT, lines=IDS), torch.zeros(2, 6, 11))


def test_every_parameter_learns_once_gates_are_open():
    net = stirred(build(condition_vocab_size=6, timed=True, lines=12, indents=12, scopes=12))
    net(IDS, T, PROMPT, lines=IDS, indents=IDS, scopes=IDS).square().sum().backward()
    assert [name for name, p in net.named_parameters() if p.grad is None or not p.grad.abs().sum()] == []


def test_rows_of_a_batch_do_not_meet():
    net = conditional(timed=True)
    alone = torch.cat([net(IDS[i : i + 1], T[i : i + 1], PROMPT[i : i + 1]) for i in range(2)])
    torch.testing.assert_close(net(IDS, T, PROMPT), alone, **EXACT)


def test_padding_changes_nothing_on_either_side():
    """Positions count only by their distances, so padding before the tokens changes nothing either."""
    net, plain = conditional(), conditional()(IDS, None, PROMPT)
    for before, after in ((0, 3), (2, 0), (1, 2)):
        padded = torch.nn.functional.pad(IDS, (before, after), value=9)
        seen = torch.nn.functional.pad(torch.ones_like(IDS), (before, after)).bool()
        said = net(padded, None, PROMPT, seen=seen)[:, before : before + 6]
        torch.testing.assert_close(said, plain, rtol=0, atol=1e-6)  # angles are in single precision


def test_padding_of_a_condition_changes_nothing():
    net, padded = conditional(), torch.nn.functional.pad(PROMPT, (0, 2), value=5)
    seen = torch.tensor([[True] * 3 + [False] * 2] * 2)
    said = net(IDS, None, padded, condition_seen=seen)
    torch.testing.assert_close(said, net(IDS, None, PROMPT), **EXACT)


def test_a_condition_of_which_nothing_is_seen_is_no_condition():
    net, seen = conditional(), torch.tensor([[True] * 3, [False] * 3])
    said = net(IDS, None, PROMPT, condition_seen=seen)
    assert torch.equal(said[1], net(IDS)[1])
    torch.testing.assert_close(said[0], net(IDS, None, PROMPT)[0], **EXACT)
    assert not torch.allclose(said[0], net(IDS)[0])


def test_every_place_sees_every_other_and_their_order():
    net = conditional()
    for other in (IDS.roll(1, 0)[:, [0]], IDS.flip(1)[:, [0]]):
        changed = torch.cat([other, IDS[:, 1:]], 1)
        moved = (net(changed) - net(IDS)).abs().amax(-1)
        assert (moved[(changed != IDS).any(1)] > 1e-6).all()
    swapped = IDS[:, [1, 0, 2, 3, 4, 5]]
    assert not torch.allclose(net(swapped)[:, 2:], net(IDS)[:, 2:])
    assert not torch.allclose(net(IDS, None, PROMPT.flip(1)), net(IDS, None, PROMPT))


def test_signals_say_nothing_at_first_and_something_later():
    ids, lines = IDS, torch.tensor([[0, 0, 1, 1, 2, 9]] * 2)
    plain, net = stirred(build()), build(lines=3)
    net.double().load_state_dict(plain.state_dict() | {"signals.lines.weight": torch.zeros(3, 16)})
    assert torch.equal(net(ids, lines=lines), plain(ids))
    told = stirred(build(lines=3))
    assert not torch.allclose(told(ids, lines=lines), told(ids, lines=lines * 0))
    assert torch.equal(
        told(ids, lines=lines), told(ids, lines=lines.clamp(max=2))
    )  # the last line and beyond


def test_a_net_that_is_told_no_time_does_not_look_at_it():
    assert torch.equal(conditional()(IDS, T), conditional()(IDS))
    timed = conditional(timed=True)
    assert not torch.allclose(timed(IDS, T), timed(IDS, T + 0.05))


@pytest.mark.parametrize("options", [{}, {"condition_vocab_size": 6, "timed": True, "scopes": 4}])
def test_a_saved_net_comes_back_with_the_same_bits(tmp_path, options):
    net = build(**options)
    with torch.no_grad():
        for parameter in net.parameters():
            parameter.add_(torch.randn_like(parameter))
    net.save_pretrained(tmp_path)
    again = load(tmp_path)
    assert isinstance(again, TokenDenoiser)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["config.json", "model.safetensors"]
    given = (IDS, T, PROMPT) if options else (IDS,)
    assert torch.equal(again(*given), net(*given))


def test_kept_keys_and_values_give_what_a_whole_pass_gives_while_the_rest_stays():
    """Of one layer always; of two as long as the block is as it was, for the rest looks at the block too."""
    seen = torch.tensor([[True] * 6, [True] * 5 + [False]])
    given = {"condition": PROMPT, "lines": IDS, "seen": seen}
    changed = torch.cat([IDS[:, :2], torch.tensor([[9, 9], [3, 4]]), IDS[:, 4:]], 1)
    for layers, canvas in ((1, changed), (1, IDS), (2, IDS)):
        net = conditional(num_hidden_layers=layers, lines=12)
        block = keeping(net, IDS, 2, 4, T, **given)
        whole = net(canvas, T, **given)
        torch.testing.assert_close(block(canvas, T)[:, 2:4], whole[:, 2:4], **EXACT)
        torch.testing.assert_close(block(canvas, T)[:, :2], net(IDS, T, **given)[:, :2], **EXACT)


def test_what_a_net_does_not_take_is_said():
    with pytest.raises(ValueError, match="told the time"):
        build(timed=True)(IDS)
    with pytest.raises(ValueError, match="condition_vocab_size above 0"):
        build()(IDS, None, PROMPT)
    with pytest.raises(ValueError, match=r"takes the signals \['lines'\]; got 'scopes'"):
        build(lines=3)(IDS, scopes=IDS)
    with pytest.raises(ValueError, match="indents must be at least 0"):
        TokenDenoiserConfig(indents=-1)
    with pytest.raises(ValueError, match="vocab_size must be at least 1"):
        TokenDenoiserConfig(vocab_size=0)


def test_a_folder_without_a_net_is_told(tmp_path):
    with pytest.raises(MissingFile, match="no denoiser at"):
        load(tmp_path)


def test_asked_for_some_places_it_says_there_what_it_says_of_all():
    net, only = conditional(), torch.tensor([[True, False, False, True, False, False], [False] * 6])
    torch.testing.assert_close(net(IDS, None, PROMPT, only=only), net(IDS, None, PROMPT)[only], **EXACT)


def test_open_gates_add_what_blocks_say_from_the_start():
    """Only the head is shut: opened by an identity, it shows what the blocks add to the embedding."""
    for opened in (False, True):
        net = build(open_gates=opened, hidden_size=12, vocab_size=12)
        with torch.no_grad():
            net.stack.head.weight.copy_(torch.eye(12))
        alone = net.stack.norm(net.embedding(IDS))
        assert torch.allclose(net(IDS), alone) is not opened


def near(**options):
    return stirred(build(neighbours=2, condition_vocab_size=6, **options))


def test_neighbours_are_added_to_a_place_each_by_its_distance_and_the_place_itself_is_not():
    """No block and an open head: what the net says is what it embeds."""
    net, weight = near(), torch.zeros(4, 16, dtype=torch.float64)
    for distance, row in ((-2, 0), (-1, 1), (1, 2), (2, 3)):
        with torch.no_grad():
            net.neighbours.weight.copy_(weight.index_fill(0, torch.tensor([row]), 1.0))
        found = net._embedded(IDS, None, None) - net.embedding(IDS)
        expected = torch.zeros_like(found)
        for place in range(6):
            if 0 <= place + distance < 6:
                expected[:, place] = net.embedding(IDS[:, place + distance])
        torch.testing.assert_close(found, expected, **EXACT)


def test_padding_is_nobodys_neighbour():
    net, plain = near(), near()(IDS, None, PROMPT)
    padded = torch.nn.functional.pad(IDS, (0, 3), value=9)
    seen = torch.nn.functional.pad(torch.ones_like(IDS), (0, 3)).bool()
    torch.testing.assert_close(net(padded, None, PROMPT, seen=seen)[:, :6], plain, **EXACT)


@pytest.mark.parametrize(("start", "end"), [(0, 3), (1, 4), (3, 6)])
def test_kept_keys_and_values_with_neighbours_say_what_one_whole_pass_says(start, end):
    net, t = near(num_hidden_layers=1), torch.zeros(2)
    block = keeping(net, IDS, start, end, t, condition=PROMPT)
    torch.testing.assert_close(block(IDS, t), net(IDS, t, PROMPT), **EXACT)
