"""A planner's rounds of adaptation to a task: what `adapting` needs to know of mazes, and what it gives back.

A way (a start and a goal) is a task of `adapting`; all ways go through the net in one batch. Ways that are
given are judged on noise of their own, random ones on other random ways. What must not be forgotten is to
arrive, on any way.

Source: arXiv 2302.01877 (AdaptDiffuser): guided plans, a discriminator, fine-tuning, and again
Differs: what is kept is decided on driven runs by another reward, against the same steps on real data only;
    a bandit chooses the strategy; see `adapting`
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Literal, get_args

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from bloomery.core.config import option
from bloomery.core.errors import UnknownName, UserError
from bloomery.diffusion.adapting.adapt import adapt
from bloomery.diffusion.adapting.adapted import Adapted
from bloomery.diffusion.adapting.budget import Budget
from bloomery.diffusion.adapting.reporting import Report
from bloomery.diffusion.adapting.setting import AdaptConfig
from bloomery.diffusion.adapting.strategies import Arm, Strategy
from bloomery.diffusion.adapting.tasks import Task, Trial
from bloomery.diffusion.buffer.contents import Field
from bloomery.diffusion.buffer.trajectories import BufferConfig, TrajectoryBuffer
from bloomery.diffusion.denoisers.fitting import FittingConfig
from bloomery.diffusion.planning.data import Rides
from bloomery.diffusion.planning.learning import PlannerConfig, windows_loss
from bloomery.diffusion.planning.planner import Planner, put_back
from bloomery.diffusion.planning.recalling import Recalled
from bloomery.diffusion.planning.windows import WIDTH, Windows
from bloomery.diffusion.processes.process import Project
from bloomery.training.config import TrainConfig
from bloomery.training.schedules import ScheduleConfig

from .seeing import every_step
from .wanted import Wanted, Ways, given_ways, random_ways
from .worth import Worth, arriving, judging, of_coin, selecting

Choice = Literal["gradient", "memory", "hybrid", "self"]
REMEMBERED = 64  # windows of a way that a planner is given to recall
TRIED, PLANS = 6, 16  # random ways tried for each that is asked for, and plans of each


@dataclass(frozen=True, kw_only=True)
class EvolveConfig:
    """What a round costs and learns with."""

    candidates: int = option(24, help="plans a way and round", low=2)
    scales: tuple[float, ...] = option((1.0, 4.0), help="guidance, in deviations of the reward")
    best: float = option(0.25, help="share of candidates that is learned from", low=0.0, high=1.0)
    mix: float = option(0.5, help="share of a round's windows that are of the task", low=0.0, high=1.0)
    steps: int = option(100, help="optimizer steps of a round", low=1)
    batch: int = option(256, help="windows a step", low=1)
    rate: float = option(3e-4, help="learning rate of the first round", low=0.0)
    real: int = option(8192, help="windows of data beside them", low=1)
    pairs: int = option(48, help="judged plans a way", low=8)
    probe: int = option(96, help="windows of data that rewards are asked of at the start", low=2)
    timeout_s: float = option(60.0, help="longest answer of a reward", low=0.0)


def strategies_of(choice: Choice, planner: Planner, config: EvolveConfig) -> tuple[Strategy, ...]:
    """Of one arm, by guidance; `self` are all of them, for the bandit. Raises: UnknownName."""
    if choice not in get_args(Choice):
        raise UnknownName("strategy", choice, get_args(Choice))
    arms = get_args(Arm) if choice == "self" else (choice,)
    return tuple(
        Strategy(arm=arm, scale=scale, eta=planner.eta, n=config.candidates, steps=planner.steps)
        for scale in config.scales for arm in arms
    )  # fmt: skip


def worth_of(asked: Wanted, timeout_s: float) -> Worth:
    """The coin's two rewards, or the functions named: where no judge is, the reward of driven runs is."""
    given = asked.reward, asked.judge or asked.reward
    said = [None if one is None else _of(one, timeout_s) for one in given]
    if said[0] is not None and said[1] is not None:
        return Worth(said[0], said[1])
    assert asked.coin is not None  # `wanted` says so
    coin = of_coin(asked.coin)
    return Worth(coin.selects, said[1] or coin.judges)


def evolve(
    planner: Planner,
    rides: Rides,
    asked: Wanted,
    budget: Budget,
    *,
    choice: Choice = "self",
    config: EvolveConfig | None = None,
    seed: int = 0,
    strategies: Sequence[Strategy] | None = None,
    **besides: Any,
) -> tuple[Planner, Report]:
    """The planner after adapting to what is asked, and what happened; the one given stays as it is.

    `rides` are what it learned from. `besides` goes to `adapt`: keep, hooks, metric, should_stop, clock.

    Raises: UserError of rewards that are none, or constant, or of a budget too small to judge.
    """
    config = config or EvolveConfig()
    real = real_windows(planner, rides, config.real, seed)
    worth, probe = worth_of(asked, config.timeout_s), real[: config.probe]
    asked_ways, others = ways_of(planner, asked, worth, seed)
    selects, judges = selecting(planner, worth, probe), judging(planner, worth, probe)
    tasks = [
        Task(judges=judges, selects=selects, **about)
        for about in (_about(planner, asked_ways, row, "way") for row in range(len(asked_ways)))
    ]
    held = [Trial(judges=judges, **_about(planner, others, row, "other")) for row in range(len(others))]
    model, report = adapt(
        planner.net, buffer_of(real, seed), tasks, budget, process=planner.process,
        config=adapt_config(planner, config), old=[any_way(planner, config.pairs, seed)],
        held_out=held or None, strategies=strategies or strategies_of(choice, planner, config), seed=seed,
        loss=loss_of(planner), **besides,
    )  # fmt: skip
    return adapted_planner(planner, model, asked.name), report


def adapted_planner(planner: Planner, model: Adapted, task: str) -> Planner:
    """With the net as it is now, and the best windows of each way to recall, where there are any."""
    held = {} if model.memories is None else model.memories.held
    best = [one.best(REMEMBERED, task=name).content["x"] for name, one in held.items()]
    drawing = model.drawing
    known = (
        Recalled(torch.from_numpy(np.concatenate(best)), 1 - drawing.explore, drawing.depth) if best else None
    )
    return replace(planner, net=model.net, recalled=known, adapted_to=task)


def ways_of(planner: Planner, asked: Wanted, worth: Worth, seed: int) -> tuple[Ways, Ways]:
    """Ways to learn, and others to be judged on: none where ways are given.

    Of random ways those are left out on which all plans are worth the same: a start at the coin.

    A small maze has fewer than were asked for. Raises: UserError where none are left.
    """
    if not isinstance(asked.ways, int):
        ways = given_ways(asked.ways)
        return ways, ways.picked(slice(0, 0))
    some = random_ways(asked.maze, TRIED * asked.ways, seed)
    telling = np.flatnonzero(tells(planner, worth, some, seed))
    count = min(asked.ways, len(telling) // 2)
    if not count:
        raise UserError(
            f"on {len(telling)} of {len(some)} ways through '{asked.maze.name}' the reward tells plans apart;"
            " 2 are needed, to learn and to judge: use a reward that differs between plans of one way"
        )
    return some.picked(telling[:count]), some.picked(telling[count : 2 * count])


def tells(planner: Planner, worth: Worth, ways: Ways, seed: int) -> NDArray[np.bool_]:
    """Whether the planner's plans of each way differ in reward. Shapes: -> (N,)"""
    starts, goals = (np.repeat(one, PLANS, axis=0) for one in (ways.starts, ways.goals))
    plans = planner.plans(starts, goals, torch.Generator().manual_seed(seed))
    tokens = np.concatenate([plans.states, plans.actions], axis=-1)
    said = worth.selects(every_step(planner.spec, planner.scale)(planner.scale.inward(tokens)))
    each = said.reshape(-1, PLANS)
    return ((each - each[:, :1]).abs().amax(1) > 1e-6).numpy()


def real_windows(planner: Planner, rides: Rides, count: int, seed: int) -> Tensor:
    """Windows of data, drawn as in training. Shapes: -> (count, H, WIDTH)"""
    windows = Windows(rides, planner.spec, planner.scale, cut=PlannerConfig().cut, seed=seed)
    places = np.random.default_rng(seed).integers(len(windows), size=count)
    return windows.drawn([(0, int(place)) for place in places])


def buffer_of(real: Tensor, seed: int) -> TrajectoryBuffer:
    """Data, with room for as much again that is found."""
    held = TrajectoryBuffer(
        {"x": Field(tuple(real.shape[1:]))}, BufferConfig(capacity=4 * len(real)), seed=seed
    )
    held.add_many({"x": real.numpy()}, np.zeros(len(real)), tasks="data")
    return held


def any_way(planner: Planner, rows: int, seed: int) -> Trial:
    """What must not be forgotten: to arrive, each row on a random way of its own."""
    rng, cells = np.random.default_rng((seed, 1)), np.array(planner.maze.cells, dtype=float)
    starts, goals = (cells[rng.integers(len(cells), size=rows)] for _ in range(2))
    ways = Ways(np.concatenate([starts, 0 * starts], axis=1), goals)
    return Trial(
        name="arriving", judges=arriving(planner), shape=_shape(planner), project=in_turn(planner, ways)
    )


def in_turn(planner: Planner, ways: Ways) -> Project:
    """Row i goes way i, and after the last the first again."""

    def project(x: Tensor, s: Tensor) -> Tensor:
        row = np.arange(len(x)) % len(ways)
        ends = np.concatenate([ways.goals[row], 0 * ways.goals[row]], axis=1)
        return put_back(planner.scale, ways.starts[row], ends)(x, s)

    return project


def adapt_config(planner: Planner, config: EvolveConfig) -> AdaptConfig:
    loop = TrainConfig(
        steps=config.steps, micro_batch=config.batch, precision="bf16", device="cpu", checkpoint_every=0
    )
    fitting = FittingConfig(loop=loop, lr=config.rate, average=0.95, schedule=ScheduleConfig(warmup_steps=5))
    return AdaptConfig(
        fitting=fitting, rates=ScheduleConfig(kind="linear", final=0.3), best=config.best, mix=config.mix,
        pairs=config.pairs, steps=planner.steps, eta=planner.eta, timeout_s=None,
    )  # fmt: skip


def loss_of(planner: Planner) -> Callable[..., Tensor]:
    """As in training: noise falls on neither start nor, mostly, goal."""
    each = windows_loss(planner.process, PlannerConfig())

    def loss(net: Any, batch: Mapping[str, Tensor], generator: torch.Generator) -> Tensor:
        return each(net, batch["x"], generator)

    return loss


def _of(function: Any, timeout_s: float) -> Callable[[Tensor], Tensor]:
    return lambda states: function.of(states, timeout_s)


def _about(planner: Planner, ways: Ways, row: int, what: str) -> dict[str, Any]:
    """The name, shape, ends and embedding of a way: ways are alike whose starts and goals are."""
    one = Ways(ways.starts[row : row + 1], ways.goals[row : row + 1])
    ends = torch.cat([planner.scale.inward(one.starts[:, :2])[0], planner.scale.inward(one.goals)[0]])
    (a, b), (c, d) = one.starts[0, :2].astype(int), one.goals[0].astype(int)
    return {
        "name": f"{what} {a},{b}-{c},{d}", "shape": _shape(planner), "project": in_turn(planner, one),
        "embedding": ends,
    }  # fmt: skip


def _shape(planner: Planner) -> tuple[int, ...]:
    return (planner.spec.horizon, WIDTH)
