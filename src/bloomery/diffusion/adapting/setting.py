"""All that a run of adaptation is told, checked before anything is paid for."""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass

from torch import nn

from bloomery.core.config import canonical_json, option, to_plain
from bloomery.core.errors import UserError
from bloomery.diffusion.buffer.trajectories import TrajectoryBuffer
from bloomery.diffusion.denoisers.fitting import FittingConfig
from bloomery.diffusion.denoisers.teaching import Loss, process_loss
from bloomery.diffusion.processes.process import Process
from bloomery.training.schedules import ScheduleConfig, build_schedule

from .adapted import Drawing
from .budget import Budget
from .intervals import FEWEST
from .memory import MemoryConfig
from .strategies import Strategy
from .tasks import Task, Trial, refuse_shared, refuse_unlike
from .tuning import real_slots, rows_of


@dataclass(frozen=True, kw_only=True)
class AdaptConfig:
    """How rounds learn, and what they must show to be kept."""

    fitting: FittingConfig = option(help="a round's fine-tuning: steps, batch, rate and its schedule")
    rates: ScheduleConfig = option(
        factory=lambda: ScheduleConfig(kind="constant"), help="how the learning rate moves over rounds"
    )
    best: float = option(0.25, help="share of candidates that is learned from", low=0.0, high=1.0)
    mix: float = option(0.5, help="share of a round's data that is the tasks' own", low=0.0, high=1.0)
    pairs: int = option(128, help="judged samples a task", low=FEWEST)
    steps: int = option(16, help="sampling steps of judged samples", low=1)
    eta: float | None = option(None, help="fresh noise in judged samples' steps; empty: the process's own")
    level: float = option(0.05, help="chance that any round is kept without a gain", low=0.0, high=1.0)
    margin: float = option(0.25, help="loss allowed to an old task, in deviations of its judge", low=0.0)
    memory: MemoryConfig = option(factory=MemoryConfig, help="the memory of each task")
    explore_least: float = option(0.1, help="share of samples from noise when a memory is full-grown")
    explore_rounds: int = option(4, help="rounds until that share is reached, from 1", low=1)
    depth: float = option(0.5, help="time to which remembered samples are noised", low=0.0, high=1.0)
    curiosity: float = option(0.25, help="the bandit's bonus for what is little known", low=0.0)
    discount: float = option(1.0, help="what a gain still counts a round later", low=0.0, high=1.0)
    probe: int = option(64, help="samples that rewards are asked of at the start", low=2)
    timeout_s: float | None = option(60.0, help="longest answer of a reward; empty: no limit")

    def __post_init__(self) -> None:
        shares = (self.best, self.mix, self.level, self.depth, self.explore_least)
        if not all(0 < share <= 1 for share in shares) or self.level == 1:
            raise UserError(
                f"best, mix, level, depth and explore_least are above 0 and at most 1; got {shares}"
            )
        if self.pairs < FEWEST or self.explore_rounds < 1 or self.probe < 2:
            raise UserError(f"pairs >= {FEWEST}, explore_rounds >= 1, probe >= 2; got {self}")


@dataclass(frozen=True, kw_only=True)
class Setting:
    """A run: its tasks, those it is judged by, those it must not forget."""

    tasks: tuple[Task, ...]
    held_out: tuple[Trial, ...]
    old: tuple[Trial, ...]
    strategies: tuple[Strategy, ...]
    process: Process
    loss: Loss
    budget: Budget
    config: AdaptConfig
    seed: int

    @property
    def deployed(self) -> Drawing:
        """How samples are drawn that are judged: as a user draws them."""
        c = self.config
        return Drawing(steps=c.steps, eta=c.eta, explore=c.explore_least, depth=c.depth)

    @property
    def level(self) -> float:
        """Of one round, so that of all together it is what was asked (Bonferroni)."""
        return self.config.level / self.budget.rounds

    def generating(self, strategy: Strategy, round: int) -> Drawing:
        """From exploration to exploitation: the share from noise falls evenly over rounds."""
        c, done = self.config, min(1.0, round / self.config.explore_rounds)
        explore = 1 - (1 - c.explore_least) * done
        return Drawing(steps=strategy.steps, eta=strategy.eta, explore=explore, depth=c.depth)

    def rate(self, round: int) -> float:
        """What the learning rate is multiplied by in a round."""
        return build_schedule(self.config.rates, self.budget.rounds)(round)

    def opening(self) -> int:
        """Passes before the first round."""
        return len({*self._names()}) * self.config.probe * self.config.steps

    def cost(self, strategy: Strategy) -> int:
        """Passes of a round, if it is kept."""
        made = len(self.tasks) * strategy.n * strategy.steps
        return made + 2 * rows_of(self.config.fitting) * strategy.learns + self._judging(2, 2)

    def closing(self) -> int:
        """Passes after the last round: base, adapted and control; of old tasks base and adapted."""
        return self._judging(3, 2)

    def fingerprint(self, model: nn.Module) -> str:
        """What a saved state must agree with; the limits of a budget but its rounds may differ."""
        weights = hashlib.sha256()
        for name, tensor in model.state_dict().items():
            weights.update(name.encode() + tensor.detach().cpu().contiguous().flatten().numpy().tobytes())
        told = {
            "weights": weights.hexdigest(),
            "config": to_plain(self.config),
            "strategies": [to_plain(one) for one in self.strategies],
            "names": [[one.name for one in group] for group in (self.tasks, self.held_out, self.old)],
            "rounds": self.budget.rounds,
            "seed": self.seed,
        }
        return hashlib.sha256(canonical_json(told).encode()).hexdigest()

    def trials(self) -> tuple[tuple[Trial, ...], ...]:
        """All that is sampled, in batches of one shape: tasks, held-out ones that are others, old ones."""
        others = () if self.held_out is self.tasks else self.held_out
        return tuple(group for group in (self.tasks, others, self.old) if group)

    def _names(self) -> list[str]:
        return [f"{place}/{one.name}" for place, group in enumerate(self.trials()) for one in group]

    def _judging(self, held_out: int, old: int) -> int:
        rows = held_out * len(self.held_out) + old * len(self.old)
        return rows * self.config.pairs * self.config.steps


def setting(
    tasks: Task | Sequence[Task],
    budget: Budget,
    buffer: TrajectoryBuffer,
    *,
    process: Process,
    old: Sequence[Trial],
    held_out: Sequence[Trial] | None,
    strategies: Sequence[Strategy],
    config: AdaptConfig,
    seed: int,
    loss: Loss | None,
) -> Setting:
    """A run's setting. Raises: UserError of what cannot be run, or could not be believed"""
    learned = (tasks,) if isinstance(tasks, Task) else tuple(tasks)
    judging = learned if held_out is None else tuple(held_out)
    for group in (learned, judging, *([tuple(old)] if old else [])):
        refuse_unlike(group)
    refuse_shared(learned, judging)
    if not strategies:
        raise UserError("adaptation takes 1 strategy or more; strategies.grid makes some")
    if any(one.learns for one in strategies) and not old:
        raise UserError("name old tasks, which must not be forgotten; only memory alone goes without")
    found = Setting(
        tasks=learned, held_out=judging, old=tuple(old), strategies=tuple(strategies), process=process,
        loss=loss or process_loss(process), budget=budget, config=config, seed=seed,
    )  # fmt: skip
    _refuse_buffer(buffer, learned)
    _refuse_budget(found)
    return found


def _refuse_buffer(buffer: TrajectoryBuffer, tasks: Sequence[Task]) -> None:
    fields = set(buffer.holdings.contents.fields)
    for task in tasks:
        wanted = {"x", *task.condition, *task.teaches}
        if fields != wanted:
            raise UserError(
                f"the buffer's entries hold {sorted(fields)}, samples of '{task.name}' {sorted(wanted)}"
            )
    if not len(real_slots(buffer)):
        raise UserError("the buffer holds no real data: adaptation is told from the same steps on those")


def _refuse_budget(found: Setting) -> None:
    least = min(found.cost(one) for one in found.strategies)
    needed = found.opening() + least + found.closing()
    if found.budget.passes < needed:
        raise UserError(
            f"a budget of {found.budget.passes} passes is too small: the first round needs {needed}"
            f" ({found.opening()} before it, {least} in it, {found.closing()} after it); give more passes,"
            " or judge fewer pairs in fewer steps"
        )
