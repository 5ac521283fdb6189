"""Fitting: what is planted is learned, and a run that was killed ends with the same bits."""

from functools import partial

import pytest
import torch
from torch import nn

from bloomery.core.config import build
from bloomery.core.errors import Failure, UserError
from bloomery.diffusion.denoisers.fitting import FittingConfig, Rows, TimeLeft, fit, readable
from bloomery.diffusion.denoisers.teaching import process_loss
from bloomery.diffusion.denoisers.trajectories import TrajectoryTransformer, TrajectoryTransformerConfig
from bloomery.diffusion.processes.continuous import GaussianDiffusion
from bloomery.diffusion.processes.sampling import sample
from bloomery.training.callbacks import Callback
from bloomery.training.config import Progress, TrainConfig
from bloomery.training.schedules import ScheduleConfig

MODE = 0.9


def two_modes(count=2000):
    """Trajectories of three steps that stay at one of two places; the condition says at which."""
    generator = torch.Generator().manual_seed(0)
    side = torch.where(torch.rand(count, 1, generator=generator) < 0.5, -1.0, 1.0)
    noise = 0.05 * torch.randn(count, 3, 1, generator=generator)
    return {"x": MODE * side[..., None] + noise, "condition": side}


def fitted(*, timed=True, conditional=True):
    """How many draws stay at the place they were told, and at either, and the share at the upper place."""
    torch.manual_seed(0)
    sizes = {"hidden_size": 32, "num_hidden_layers": 1, "num_attention_heads": 2, "intermediate_size": 64}
    net = TrajectoryTransformer(TrajectoryTransformerConfig(width=1, condition_size=1, timed=timed, **sizes))
    process, data = GaussianDiffusion(predicts="velocity"), two_modes()
    config = FittingConfig(
        loop=TrainConfig(steps=300, micro_batch=128, checkpoint_every=0, device="cpu"),
        schedule=ScheduleConfig(warmup_steps=20), lr=3e-3, average=0.98,
    )  # fmt: skip
    if not conditional:
        del data["condition"]
    fit(net, data, process_loss(process, drop=0.25), config)
    generator, side = torch.Generator().manual_seed(1), torch.tensor([[-1.0], [1.0]]).repeat(100, 1)
    draw = partial(sample, process, steps=12, generator=generator)
    told = draw(partial(net, condition=side) if conditional else net, process.prior((200, 3, 1), generator))
    free = draw(net, process.prior((200, 3, 1), generator))
    at_place = ((told - MODE * side[..., None]).abs() < 0.25).all(1).float().mean()
    at_either = torch.minimum((free - MODE).abs().amax(1), (free + MODE).abs().amax(1)) < 0.25
    return float(at_place), float(at_either.float().mean()), float((free[:, 0] > 0).float().mean())


def test_two_places_are_learned_and_which_of_them_is_told():
    at_place, at_either, upper = fitted()
    assert at_place > 0.9
    assert at_either > 0.9
    assert 0.3 < upper < 0.7  # the data have half; 200 draws


@pytest.mark.slow
def test_without_the_time_no_place_is_learned():
    at_place, at_either, _ = fitted(timed=False)
    assert at_place < 0.6
    assert at_either < 0.6


@pytest.mark.slow
def test_without_the_condition_the_places_are_learned_but_not_which():
    at_place, at_either, _ = fitted(conditional=False)
    assert 0.35 < at_place < 0.65
    assert at_either > 0.9


class Line(nn.Module):
    def __init__(self):
        super().__init__()
        torch.manual_seed(0)
        self.map, self.drop = nn.Linear(2, 1), nn.Dropout(0.3)

    def forward(self, x):
        return self.map(self.drop(x))


def noisy_square(net, batch, generator):
    """Draws from the generator, so that a resumed run must go on with its state."""
    noise = torch.randn(batch["y"].shape, generator=generator)
    return (net(batch["x"])[:, 0] - batch["y"] - 0.1 * noise).square()


def points():
    generator = torch.Generator().manual_seed(3)
    x = torch.randn(40, 2, generator=generator)
    return {"x": x, "y": x @ torch.tensor([1.0, -2.0])}


def config_of(steps=24, **options):
    loop = {"micro_batch": 4, "accumulate": 2, "checkpoint_every": 5, "report_every": 4, "device": "cpu"}
    rest = {name: options.pop(name) for name in ("lr", "average", "weight_decay") if name in options}
    return FittingConfig(
        loop=TrainConfig(steps=steps, **loop | options), schedule=ScheduleConfig(warmup_steps=3),
        **{"lr": 0.05, "average": 0.9} | rest,
    )  # fmt: skip


class Killed(Exception):
    pass


class KillAt(Callback):
    """Kills a run at a step, the first time."""

    def __init__(self, step):
        self.step = step

    def on_step(self, model: nn.Module, progress: Progress) -> None:
        if progress.step == self.step:
            raise Killed


@pytest.mark.parametrize("step", [3, 12, 24])
def test_a_run_that_was_killed_ends_with_the_bits_of_one_that_was_not(tmp_path, step):
    whole, torn, again = Line(), Line(), Line()
    straight = fit(whole, points(), noisy_square, config_of(), folder=tmp_path / "a", callbacks=[KillAt(99)])
    with pytest.raises(Killed):
        fit(torn, points(), noisy_square, config_of(), folder=tmp_path / "b", callbacks=[KillAt(step)])
    told = []
    resumed = fit(
        again, points(), noisy_square, config_of(), folder=tmp_path / "b", callbacks=[KillAt(99)],
        progress=lambda *line: told.append(line), metric=lambda *line: None,
    )  # fmt: skip
    assert resumed.resumed_from == told[0][0] == step // 5 * 5
    assert resumed.last_loss == straight.last_loss
    for ours, theirs in zip(again.parameters(), whole.parameters(), strict=True):
        assert torch.equal(ours, theirs)


def test_the_generator_moves_on_from_step_to_step_and_begins_with_the_seed():
    def draws(seed):
        drawn = []

        def loss(net, batch, generator):
            drawn.append(float(torch.rand((), generator=generator)))
            return net(batch["x"])[:, 0].square()

        fit(Line(), points(), loss, config_of(steps=5, seed=seed))
        return drawn

    assert len(set(draws(0))) == 10  # five steps of two batches
    assert draws(0) == draws(0)
    assert set(draws(0)).isdisjoint(draws(1))


def test_a_run_that_was_asked_to_stop_goes_on_with_the_same_bits(tmp_path):
    whole, halves, calls = Line(), Line(), iter([False] * 6 + [True])
    fit(whole, points(), noisy_square, config_of(), folder=tmp_path / "a")
    first = fit(
        halves, points(), noisy_square, config_of(), folder=tmp_path / "b", should_stop=lambda: next(calls)
    )
    assert (first.stopped, first.steps) == ("requested", 7)
    fit(halves, points(), noisy_square, config_of(), folder=tmp_path / "b")
    assert torch.equal(halves.map.weight, whole.map.weight)


class Weights(Callback):
    """What the weights were after each step."""

    def __init__(self):
        self.seen = []

    def on_step(self, model: nn.Module, progress: Progress) -> None:
        self.seen.append(model.map.weight.detach().clone())


def test_the_net_ends_with_the_average_of_its_weights_and_is_validated_with_it():
    """Against the running mean written out; early weights are forgotten however long the average is."""
    net, weights, validated = Line(), Weights(), []

    def validate(net):
        validated.append(net.map.weight.detach().clone())
        return {"size": float(net.map.weight.abs().sum())}

    expected = net.map.weight.detach().clone()
    fit(net, points(), noisy_square, config_of(average=0.9), validate=validate, callbacks=[weights])
    for step, weight in enumerate(weights.seen, start=1):
        decay = min(0.9, (1 + step) / (10 + step))
        expected = decay * expected + (1 - decay) * weight
    torch.testing.assert_close(net.map.weight.detach(), expected, rtol=1e-5, atol=1e-6)  # single precision
    assert torch.equal(validated[-1], net.map.weight)
    assert not torch.equal(net.map.weight, weights.seen[-1])
    assert not net.training


def test_without_an_average_the_last_weights_stay():
    net, weights = Line(), Weights()
    fit(net, points(), noisy_square, config_of(average=0.0), callbacks=[weights])
    assert torch.equal(net.map.weight, weights.seen[-1])


def test_accumulated_batches_give_the_step_of_one_large_batch():
    """Without dropout, noise or averages: 2 x 4 examples against 8, to single precision."""

    def square(net, batch, generator):
        return (net.map(batch["x"])[:, 0] - batch["y"]).square()

    nets = [Line(), Line()]
    fit(nets[0], points(), square, config_of(average=0.0))
    fit(nets[1], points(), square, config_of(average=0.0, micro_batch=8, accumulate=1))
    torch.testing.assert_close(nets[0].map.weight, nets[1].map.weight, rtol=1e-5, atol=1e-6)


def test_tensors_and_a_data_set_of_their_rows_are_the_same_data():
    class Each:
        def __len__(self):
            return 40

        def __getitem__(self, index):
            return {name: tensor[index] for name, tensor in points().items()}

    nets = [Line(), Line()]
    for net, data in zip(nets, (points(), Each()), strict=True):
        fit(net, data, noisy_square, config_of(steps=8))
    assert torch.equal(nets[0].map.weight, nets[1].map.weight)


def test_a_config_is_built_from_plain_values():
    plain = {"loop": {"steps": 3}, "schedule": {"kind": "linear"}, "betas": [0.9, 0.95], "average": 0.5}
    config = build(FittingConfig, plain)
    assert (config.loop.steps, config.schedule.kind, config.betas) == (3, "linear", (0.9, 0.95))


def test_progress_tells_the_time_left_and_trackers_get_the_numbers():
    told, numbers, clock = [], [], iter(range(0, 1000, 60))
    left = TimeLeft(lambda *line: told.append(line), clock=lambda: next(clock))
    fit(
        Line(),
        points(),
        noisy_square,
        config_of(steps=4),
        metric=lambda *one: numbers.append(one),
        callbacks=[left],
    )
    assert [(done, total) for done, total, _ in told] == [(i, 4) for i in range(5)]
    assert [text.split(", ")[1] for _, _, text in told[1:]] == [
        "3 min left",
        "2 min left",
        "60 s left",
        "0 s left",
    ]
    assert {("train/loss", 4), ("train/learning_rate", 4)} <= {(name, step) for name, _, step in numbers}
    assert readable(3 * 3600) == "3.0 h"


def test_what_cannot_be_fitted_is_told(tmp_path):
    with pytest.raises(UserError, match="one length"):
        Rows({"x": torch.zeros(3), "y": torch.zeros(4)})
    with pytest.raises(UserError, match="one length; got none"):
        Rows({})
    with pytest.raises(UserError, match="from 0 to 1"):
        process_loss(GaussianDiffusion(), drop=1.5)
    with pytest.raises(Failure, match="not finite"):
        fit(Line(), points(), lambda net, batch, _: net(batch["x"]) * torch.nan, config_of())
    fit(Line(), points(), noisy_square, config_of(), folder=tmp_path)
    with pytest.raises(UserError, match="seed"):
        fit(Line(), points(), noisy_square, config_of(seed=5), folder=tmp_path)


def test_a_process_gets_what_is_its_own_and_conditions_are_dropped_at_the_rate_asked():
    """Rows that see nothing of their condition are about a quarter; the rest see what they saw before."""
    there = torch.tensor([[True, True, False]]).expand(400, -1)
    batch = {"x": torch.ones(400, 2), "condition": torch.zeros(400, 3, 1), "condition_seen": there}
    batch |= {"weight": torch.full((400, 2), 2.0), "mask": torch.tensor([True, False]).expand(400, 2)}
    seen = []

    class Spy:
        def loss(self, net, x0, generator, *, weight, mask):
            assert (weight == 2).all()
            assert torch.equal(mask[0], torch.tensor([True, False]))
            return net(x0, torch.zeros(len(x0))).sum(1)

    def net(x, t, condition, condition_seen):
        seen.append(condition_seen)
        return x

    cost = process_loss(Spy(), drop=0.25)(net, batch, torch.Generator().manual_seed(0))
    assert torch.equal(cost, torch.full((400,), 2.0))
    dropped = ~seen[0].any(1)
    assert 0.17 < float(dropped.float().mean()) < 0.33  # four standard errors
    assert torch.equal(seen[0][~dropped], there[~dropped])
