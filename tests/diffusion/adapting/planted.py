"""Points at one of four places and strings of tokens: tasks whose answer is known before anything is run.

A condition says the side. On the left there are two places, half of the data each. On the right the lower
place has most of the data; to find more often the upper one is the task, to still find the lower one, or the
left ones, are old tasks.
"""

import dataclasses

import torch
from torch import nn

from bloomery.diffusion.adapting.setting import AdaptConfig
from bloomery.diffusion.adapting.tasks import Judging, Selecting, Task, Trial
from bloomery.diffusion.buffer.contents import Field
from bloomery.diffusion.buffer.trajectories import BufferConfig, TrajectoryBuffer
from bloomery.diffusion.denoisers.fitting import FittingConfig
from bloomery.diffusion.predictions import target
from bloomery.diffusion.processes.continuous import GaussianDiffusion
from bloomery.diffusion.processes.known import TokenTable
from bloomery.diffusion.processes.masked import MaskedDiffusion
from bloomery.training.config import TrainConfig
from bloomery.training.schedules import ScheduleConfig

PROCESS = GaussianDiffusion(predicts="velocity")
UPPER, LOWER = torch.tensor([1.0, 1.0]), torch.tensor([1.0, -1.0])
LEFT, RIGHT = torch.tensor([1.0, 0.0]), torch.tensor([0.0, 1.0])
SHARE = 0.25  # of the right side's data that is at the upper place


PLACES = torch.tensor([[-1.0, 1.0], [-1.0, -1.0], [1.0, 1.0], [1.0, -1.0]], dtype=torch.float64)
SPREAD = 0.1


class Places(nn.Module):
    """The exact net of normal data at four places; how likely each is, under each condition, is learned."""

    def __init__(self):
        super().__init__()
        far = 1e-3
        chances = torch.tensor([[0.5, 0.5, far, far], [far, far, SHARE, 1 - SHARE]])
        self.odds = nn.Parameter(chances.log())

    def forward(self, x, t, condition):
        weights = (condition @ self.odds).log_softmax(-1).double()
        left = PROCESS.left(t)
        a, rest = left.sqrt()[:, None], (1 - left)[:, None]
        variance = a**2 * SPREAD**2 + rest
        gap = x.double()[:, None] - a[..., None] * PLACES
        posterior = (weights - gap.square().sum(-1) / (2 * variance)).softmax(-1)
        x0 = torch.einsum("bk,bkd->bd", posterior, PLACES + (a * SPREAD**2 / variance)[..., None] * gap)
        noise = (x.double() - a * x0) / rest.sqrt()
        schedule, index = PROCESS.at(t)
        return target(x0, noise, index, schedule, PROCESS.predicts).to(x)


def data(count, seed=0):
    generator = torch.Generator().manual_seed(seed)
    right = torch.arange(count) % 2 == 1
    up = torch.rand(count, generator=generator) < torch.where(right, SHARE, 0.5)
    x = torch.stack([torch.where(right, 1.0, -1.0), torch.where(up, 1.0, -1.0)], 1)
    x = x + SPREAD * torch.randn(count, 2, generator=generator)
    return {"x": x, "condition": torch.where(right[:, None], RIGHT, LEFT)}


def fitting(steps, lr=0.1, average=0.0):
    loop = TrainConfig(steps=steps, micro_batch=128, checkpoint_every=0, device="cpu")
    return FittingConfig(loop=loop, schedule=ScheduleConfig(kind="constant"), lr=lr, average=average)


def filled_buffer(count=400):
    held = TrajectoryBuffer({"x": Field((2,)), "condition": Field((2,))}, BufferConfig(capacity=4000), seed=0)
    real = data(count, seed=1)
    held.add_many({name: value.numpy() for name, value in real.items()}, [0.0] * count, tasks="data")
    return held


def near(place):
    return lambda x: -(x - place).square().sum(-1)


def at(*places):
    return lambda x: torch.stack([((x - p).abs().amax(-1) < 0.5).double() for p in places]).amax(0)


def upper(selects=None, **more):
    selects = selects or Selecting(near(UPPER), near(UPPER))
    return Task(
        name="upper", judges=Judging(at(UPPER)), shape=(2,), condition={"condition": RIGHT}, selects=selects,
        **more,
    )  # fmt: skip


def left():
    both = at(torch.tensor([-1.0, 1.0]), torch.tensor([-1.0, -1.0]))
    return Trial(name="left", judges=Judging(both), shape=(2,), condition={"condition": LEFT})


def lower():
    """What adapting to the upper place must forget: samples are at one of two places."""
    return Trial(name="lower", judges=Judging(at(LOWER)), shape=(2,), condition={"condition": RIGHT})


def noise(x):
    """A reward that differs from sample to sample and knows nothing of them."""
    return torch.frac(x.double().abs().sum(-1) * 1e4)


def config(**changes):
    told = AdaptConfig(fitting=fitting(20), pairs=96, steps=8, probe=32, timeout_s=None)
    return dataclasses.replace(told, **changes)


def bits(net):
    return {name: value.clone() for name, value in net.state_dict().items()}


def equal(one, other):
    return all(torch.equal(one[name], other[name]) for name in one) and one.keys() == other.keys()


# Tokens: strings of 4 of 3 tokens, 0 the likeliest; the task is to have more of token 2.
TOKENS = MaskedDiffusion(mask=3)
CHANCES = torch.tensor([0.6, 0.3, 0.1], dtype=torch.float64)


class Strings(nn.Module):
    """The exact net of strings whose tokens are independent, with one weight that is of no use."""

    def __init__(self):
        super().__init__()
        self.idle = nn.Parameter(torch.ones(1))
        c = CHANCES
        table = TokenTable(c[:, None, None, None] * c[:, None, None] * c[:, None] * c)
        self.table = table.net(TOKENS.mask)

    def forward(self, x, t):
        return self.table(x, t)


def strings_buffer():
    held = TrajectoryBuffer({"x": Field((4,), "uint8")}, BufferConfig(capacity=500), seed=0)
    generator = torch.Generator().manual_seed(0)
    x = torch.multinomial(CHANCES, 80, replacement=True, generator=generator).reshape(20, 4)
    held.add_many({"x": x.numpy().astype("uint8")}, [0.0] * 20, tasks="data")
    return held


def count_of_two(x):
    return (x == 2).double().sum(-1)


def many_twos(x):
    return (count_of_two(x) >= 2).double()


def twos():
    return Task(name="twos", judges=Judging(many_twos), shape=(4,), selects=Selecting(count_of_two))
