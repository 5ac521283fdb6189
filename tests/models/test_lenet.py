"""LeNet-5's layers against loops in float64, its sizes against the numbers that the paper prints."""

import numpy as np
import pytest
import torch
from safetensors.torch import load_file, save_file
from scipy.signal import correlate2d

from bloomery.models.configuration_lenet import LeNetConfig
from bloomery.models.digit_bitmaps import digit_bitmaps
from bloomery.models.lenet import MAPS_OF_S2, LeNet1998, PartialConvolution, Subsampling, begin_as_in_1998
from bloomery.models.modeling_lenet import LeNetForImageClassification, normalised

ROUND_OFF = {"atol": 1e-12, "rtol": 1e-12}  # float64 on both sides
PRINTED = {"c1": 156, "s2": 12, "c3": 1516, "s4": 32, "c5": 48120, "f6": 10164}


def model(variant: str, **options: object) -> LeNetForImageClassification:
    torch.manual_seed(3)
    return LeNetForImageClassification(LeNetConfig(variant=variant, **options))


@pytest.fixture
def pixels() -> torch.Tensor:
    return torch.randn(4, 1, 32, 32, generator=torch.Generator().manual_seed(1))


def test_each_layer_has_as_many_parameters_as_the_paper_prints():
    layers = {
        name: sum(p.numel() for p in layer.parameters()) for name, layer in LeNet1998().named_children()
    }
    assert layers == PRINTED
    assert sum(PRINTED.values()) == 60000


def test_the_modern_one_has_the_same_widths_and_a_linear_output():
    network = model("modern").network
    assert [layer.weight.shape[0] for layer in (network.c1, network.c3, network.c5, network.f6)] == [
        6, 16, 120, 84,
    ]  # fmt: skip
    assert network.output.weight.shape == (10, 84)


def correlated(x: np.ndarray, kernels: np.ndarray, bias: np.ndarray) -> np.ndarray:
    """Shapes: x (C, H, W), kernels (D, C, K, K), bias (D,) -> (D, H - K + 1, W - K + 1)"""
    return np.stack(
        [
            sum(correlate2d(seen, kernel, mode="valid") for seen, kernel in zip(x, some, strict=True)) + b
            for some, b in zip(kernels, bias, strict=True)
        ]
    )


def halved(x: np.ndarray, layer: Subsampling) -> np.ndarray:
    summed = x[:, ::2, ::2] + x[:, 1::2, ::2] + x[:, ::2, 1::2] + x[:, 1::2, 1::2]
    coefficient, bias = (p.detach().numpy()[:, None, None] for p in (layer.coefficient, layer.bias))
    return summed * coefficient + bias


def test_the_whole_network_of_1998_is_its_layers_one_after_the_other_each_squashed(pixels):
    """Section II.B in NumPy and scipy: every layer up to F6 is squashed, S2 and S4 too."""
    network = model("original").double().network
    weights = {name: p.detach().numpy() for name, p in network.named_parameters()}
    kernels = np.zeros((16, 6, 5, 5))
    for kernel, (place, seen) in zip(
        weights["c3.weight"], [(i, s) for i, maps in enumerate(MAPS_OF_S2) for s in maps], strict=True
    ):
        kernels[place, seen] = kernel

    def f(a: np.ndarray) -> np.ndarray:
        return 1.7159 * np.tanh(2 / 3 * a)

    x = f(correlated(pixels[0].double().numpy(), weights["c1.weight"], weights["c1.bias"]))
    x = f(correlated(f(halved(x, network.s2)), kernels, weights["c3.bias"]))
    x = f(correlated(f(halved(x, network.s4)), weights["c5.weight"], weights["c5.bias"])).ravel()
    x = f(weights["f6.weight"] @ x + weights["f6.bias"])
    expected = [((x - code) ** 2).sum() for code in digit_bitmaps().numpy()]
    found = network(pixels[:1].double())[0].detach().numpy()
    np.testing.assert_allclose(found, expected, rtol=1e-10)  # sums of at most 400 terms in float64


def test_the_maps_of_s2_are_those_of_table_1():
    assert [len(maps) for maps in MAPS_OF_S2] == [3] * 6 + [4] * 9 + [6]
    runs = [{(first + step) % 6 for step in range(length)} for length in (3, 4) for first in range(6)]
    assert {frozenset(maps) for maps in MAPS_OF_S2[:12]} == {frozenset(run) for run in runs}
    split = [{first, (first + 1) % 6, (first + 3) % 6, (first + 4) % 6} for first in range(3)]
    assert {frozenset(maps) for maps in MAPS_OF_S2[12:15]} == {frozenset(pair) for pair in split}
    assert [sum(map_ in maps for maps in MAPS_OF_S2) for map_ in range(6)] == [10] * 6


def test_subsampling_is_a_scaled_sum_of_four_points():
    layer = Subsampling(2).double()
    layer.coefficient.data, layer.bias.data = torch.tensor([[0.5, -2.0], [0.1, 3.0]], dtype=torch.float64)
    x = np.random.default_rng(0).normal(size=(3, 2, 4, 6))
    expected = np.empty((3, 2, 2, 3))
    for b, c, i, j in np.ndindex(expected.shape):
        block = x[b, c, 2 * i : 2 * i + 2, 2 * j : 2 * j + 2]
        expected[b, c, i, j] = block.sum() * (0.5, -2.0)[c] + (0.1, 3.0)[c]
    np.testing.assert_allclose(layer(torch.from_numpy(x)).detach().numpy(), expected, **ROUND_OFF)


def test_a_partial_convolution_is_the_sum_over_the_maps_that_it_sees():
    table = ((0, 2), (1,), (0, 1, 2))
    layer = PartialConvolution(table, inputs=3, size=2).double()
    rng = np.random.default_rng(0)
    weight, bias, x = rng.normal(size=(6, 2, 2)), rng.normal(size=3), rng.normal(size=(2, 3, 4, 4))
    layer.weight.data, layer.bias.data = torch.from_numpy(weight), torch.from_numpy(bias)
    expected = np.zeros((2, 3, 3, 3)) + bias[:, None, None]
    pairs = [(place, seen) for place, maps in enumerate(table) for seen in maps]
    for kernel, (place, seen) in zip(weight, pairs, strict=True):
        for b, i, j in np.ndindex(2, 3, 3):
            expected[b, place, i, j] += (x[b, seen, i : i + 2, j : j + 2] * kernel).sum()
    np.testing.assert_allclose(layer(torch.from_numpy(x)).detach().numpy(), expected, **ROUND_OFF)


def test_gradients_of_our_layers_are_those_of_finite_differences():
    table = PartialConvolution(((0, 1), (1,)), inputs=2, size=2).double()
    torch.nn.init.normal_(table.weight)
    whole = torch.nn.Sequential(Subsampling(2).double(), table)
    x = torch.randn(2, 2, 6, 6, dtype=torch.float64, requires_grad=True)
    assert torch.autograd.gradcheck(whole, x)


def test_every_digit_has_a_code_of_its_own_far_from_the_others():
    codes = digit_bitmaps()
    assert codes.shape == (10, 84)
    assert set(codes.unique().tolist()) == {-1.0, 1.0}
    differing = (codes[:, None] != codes[None]).sum(-1) + 84 * torch.eye(10)
    assert differing.min() >= 14


def test_the_codes_are_saved_and_not_trained():
    original = model("original")
    assert "network.codes" in original.state_dict()
    assert "network.codes" not in dict(original.named_parameters())
    assert torch.equal(original.network.codes, digit_bitmaps())


def test_weights_without_the_codes_get_them_back(tmp_path):
    model("original").save_pretrained(tmp_path)
    weights = load_file(tmp_path / "model.safetensors")
    del weights["network.codes"]
    save_file(weights, tmp_path / "model.safetensors", metadata={"format": "pt"})
    loaded = LeNetForImageClassification.from_pretrained(tmp_path)
    assert torch.equal(loaded.network.codes, digit_bitmaps())


def test_a_white_image_is_paper_and_a_black_one_ink_in_a_margin_of_paper():
    seen = normalised(torch.stack([torch.zeros(28, 28), torch.full((28, 28), 255.0)]).to(torch.uint8))
    assert seen.shape == (2, 1, 32, 32)
    torch.testing.assert_close(seen[0], torch.full((1, 32, 32), -0.1))
    torch.testing.assert_close(seen[1, :, 2:30, 2:30], torch.full((1, 28, 28), 1.175))
    assert (seen[1] > 0).sum() == 28 * 28


@pytest.mark.parametrize("variant", ["modern", "original"])
def test_a_saved_model_is_loaded_with_the_same_bits(tmp_path, pixels, variant):
    saved = model(variant).eval()
    saved.save_pretrained(tmp_path)
    loaded = LeNetForImageClassification.from_pretrained(tmp_path)
    assert torch.equal(loaded(pixels).logits, saved(pixels).logits)
    assert loaded.config.id2label[7] == "7"


@pytest.mark.parametrize("variant", ["modern", "original"])
def test_in_evaluation_an_image_does_not_see_its_batch(pixels, variant):
    judged = model(variant, dropout=0.5).double().eval()
    alone = torch.cat([judged(one[None]).logits for one in pixels.double()])
    # other batches take other convolution kernels; in float64 they differ by round-off alone
    torch.testing.assert_close(judged(pixels.double()).logits, alone, rtol=1e-10, atol=1e-10)


@pytest.mark.parametrize(
    "options", [{"variant": "modern"}, {"variant": "original"}, {"variant": "original", "criterion": "mse"}]
)
def test_a_few_steps_on_a_few_images_lower_the_loss(pixels, options):
    learner, labels = model(**options), torch.tensor([3, 1, 4, 1])
    optimizer = torch.optim.SGD(learner.parameters(), lr=0.002 if "original" in options.values() else 0.02)
    losses = []
    for _ in range(12):
        loss = learner(pixels, labels).loss
        losses.append(loss.item())
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    assert losses[-1] < 0.8 * losses[0]


def test_the_originals_answer_is_the_nearest_code(pixels):
    judged = model("original").eval()
    torch.testing.assert_close(judged(pixels).logits, -judged.network(pixels), rtol=0, atol=0)


def test_the_criterion_and_rubbish_decide_the_originals_loss(pixels):
    labels = torch.tensor([0, 1, 2, 3])
    losses = {
        (criterion, j): model("original", criterion=criterion, j=j)(pixels, labels).loss.item()
        for criterion, j in [("mse", 1.0), ("map", 1.0), ("map", 90.0)]
    }
    assert len(set(losses.values())) == 3
    assert losses["map", 1.0] == pytest.approx(losses["mse", 1.0] - 1.0, abs=1e-3)  # at first all is rubbish


def test_every_weight_begins_within_its_bound():
    network = model("original").network
    fan_ins = {"c1": 25, "s2": 4, "c5": 400, "f6": 120}
    for name, fan_in in fan_ins.items():
        values = torch.cat([p.flatten() for p in getattr(network, name).parameters()])
        assert values.abs().max() <= 2.4 / fan_in
        assert values.abs().max() > 1.8 / fan_in or name == "s2"  # of 12 values the largest may lie lower
    assert network.c3.weight[:3].abs().max() <= 2.4 / 75 < network.c3.weight[:3].abs().max() * 1.3
    assert network.c3.weight[-6:].abs().max() <= 2.4 / 150


def test_a_bias_of_c3_begins_within_the_bound_of_the_maps_that_its_own_map_sees():
    """F is 75, 100 or 150 by table I; over fifty beginnings each bias comes near its bound and not beyond."""
    layer, largest = PartialConvolution(MAPS_OF_S2, 6, 5), torch.zeros(16)
    torch.manual_seed(0)
    for _ in range(50):
        begin_as_in_1998(layer)
        largest = torch.maximum(largest, layer.bias.detach().abs())
    bounds = 2.4 / torch.tensor([75.0] * 6 + [100.0] * 9 + [150.0])
    assert (largest <= bounds).all()
    assert (largest > 0.8 * bounds).all()  # 0.8 ** 50 is one in 70,000


@pytest.mark.parametrize(
    ("options", "says"),
    [
        ({"variant": "1998"}, "variant must be one of modern, original; got '1998'"),
        ({"criterion": "hinge"}, "criterion must be one of map, mse; got 'hinge'"),
        ({"j": 0}, "j must be above 0, got 0"),
        ({"dropout": 1.0}, "dropout must be at least 0 and below 1, got 1.0"),
    ],
)
def test_a_wrong_switch_is_named(options, says):
    with pytest.raises(ValueError, match=says):
        LeNetConfig(**options)


def test_dropout_is_before_both_hidden_layers(pixels):
    """At nearly 1 nothing comes through: what is left are the biases, of every layer after it."""
    network = model("modern", dropout=1 - 1e-7).train().network
    f6 = torch.relu(network.f6.bias)
    whole = network.output(f6).expand(4, 10)
    torch.testing.assert_close(network(pixels), whole)


def test_no_images_give_no_logits():
    assert model("modern").eval()(torch.empty(0, 1, 32, 32)).logits.shape == (0, 10)
