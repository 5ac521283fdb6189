"""One round: generate, evaluate, select, learn; then keep what helped, or go back."""

import copy
from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
from torch import nn

from bloomery.core.errors import Failure
from bloomery.diffusion.buffer.trajectories import TrajectoryBuffer
from bloomery.training.callbacks import MetricSink

from .adapted import Adapted
from .bandit import Bandit
from .budget import Spent
from .generating import Candidates, added, candidates
from .hooks import Hook
from .intervals import Gain, paired, unit_gain
from .judging import Forgetting, Real, forgotten, judged
from .memory import Memories
from .reporting import Round
from .seeds import generator_of, seed_of
from .setting import Setting
from .strategies import Strategy
from .tuning import fine_tune, mixed, real_only, rows_of


@dataclass
class State:
    """A run between two rounds: what is saved, and all that the next round depends on."""

    net: nn.Module
    control: nn.Module
    buffer: TrajectoryBuffer
    memories: Memories
    bandit: Bandit
    deviations: dict[str, float]  # of what selects each task, among the base's samples
    allowed: dict[str, float]  # of each old task: the loss that is none
    spent: Spent
    rounds: list[Round] = field(default_factory=list)
    taught: int = 0
    controlled: int = 0

    def adapted(self, setting: Setting) -> Adapted:
        memories = self.memories if self.memories else None
        return Adapted(self.net, setting.process, setting.deployed, memories, self.buffer)


@dataclass(frozen=True)
class Verdict:
    """What the judges found."""

    gain: Gain
    unit: float
    forgetting: dict[str, Forgetting]
    reason: str  # why it is rolled back; empty: it is kept


def one_round(
    setting: Setting,
    state: State,
    base: nn.Module,
    arm: int,
    hooks: Sequence[Hook] = (),
    metric: MetricSink | None = None,
) -> Round:
    """Go through a round of a strategy. The state's net and memories change only if it is kept.

    Raises: UserError of a reward that is none; then the state's net and memories are as before
    """
    strategy, number, spent = setting.strategies[arm], len(state.rounds), state.spent.total
    made = _made(setting, state, strategy, number)
    for hook in hooks:
        hook.on_candidates(number, made)
    new = added(state.buffer, setting.tasks, made, number)
    net, taught, failed = _taught(setting, state, strategy, number, metric)
    memories = remembering(setting, state, made, number) if strategy.remembers else state.memories
    after = Adapted(net, setting.process, setting.deployed, memories if memories else None)
    verdict = None if failed else judge(setting, state, base, after, number)
    kept, controlled = verdict is not None and not verdict.reason, 0
    if kept:
        controlled = _controlled(setting, state, number) if strategy.learns else 0
        state.net, state.memories = net, memories
        state.taught, state.controlled = state.taught + taught, state.controlled + controlled
    state.bandit.learn(arm, verdict.unit if verdict is not None and kept else 0.0)
    round = Round(
        number=number, strategy=arm, named=str(strategy), kept=kept,
        reason=failed or (verdict.reason if verdict else ""), gain=verdict.gain if verdict else None,
        unit_gain=verdict.unit if verdict else 0.0, forgetting=verdict.forgetting if verdict else {},
        rewards=_rewards(setting, made), new=new, fit=made.fit_share,
        buffer=_origins(state.buffer),
        remembered=len(state.memories), explore=setting.generating(strategy, number).explore,
        rate=setting.rate(number), passes=state.spent.total - spent, taught=taught, controlled=controlled,
    )  # fmt: skip
    state.rounds.append(round)
    return round


def judge(setting: Setting, state: State, base: nn.Module, after: Adapted, number: int) -> Verdict:
    """A gain whose interval is above 0, and no old task forgotten beyond what is allowed since the base."""
    seed = seed_of(setting.seed, "round", number)
    now, then = (_figures(setting, state, one, seed) for one in (after, state.adapted(setting)))
    gain = paired(now, then, setting.level, seed)
    forgetting = forgetting_of(setting, state, base, after, seed, setting.level)
    lost = [name for name, one in forgetting.items() if not one.held]
    reason = f"forgot {', '.join(lost)}" if lost else ""
    reason = reason if gain.low > 0 else "no gain beyond chance"
    return Verdict(gain, unit_gain(now, then), forgetting, reason)


def forgetting_of(
    setting: Setting, state: State, base: nn.Module, after: Adapted, seed: int, level: float
) -> dict[str, Forgetting]:
    """Against the model before any round: small losses do not add up unseen."""
    if not setting.old:
        return {}
    first = Adapted(base, setting.process, setting.deployed)
    now, then = (
        judged(one, setting.old, setting.config.pairs, seed_of(seed, "old"), setting.config.timeout_s)
        for one in (after, first)
    )
    state.spent.judged += now.passes + then.passes
    return forgotten(now.rewards, then.rewards, state.allowed, level, seed)


def remembering(setting: Setting, state: State, made: Candidates, number: int) -> Memories:
    """The memories with what was chosen, and with the best that the buffer has of each task."""
    memories, most = state.memories.copy(), setting.config.memory.capacity
    for task, x, rewards, chosen in zip(setting.tasks, made.samples, made.rewards, made.chosen, strict=True):
        if task.name in state.buffer.tasks:
            best = state.buffer.best(most, task=task.name)
            memories.remember(task.name, best.content["x"], best.rewards, task.embedding, number)
        field_ = state.buffer.holdings.contents.fields["x"]
        if not bool(chosen.any()):
            continue
        picked = x[chosen].numpy().astype(field_.dtype)
        memories.remember(task.name, picked, rewards[chosen].numpy(), task.embedding, number)
    return memories


def _made(setting: Setting, state: State, strategy: Strategy, number: int) -> Candidates:
    made = candidates(
        state.net, setting.process, setting.tasks, strategy, setting.generating(strategy, number),
        state.memories if strategy.remembers else None, state.deviations, setting.config.best,
        setting.config.timeout_s, generator_of(setting.seed, "candidates", number),
    )  # fmt: skip
    state.spent.generated += made.passes
    return made


def _taught(
    setting: Setting, state: State, strategy: Strategy, number: int, metric: MetricSink | None
) -> tuple[nn.Module, int, str]:
    """A copy that learned, of how many examples, and what went wrong."""
    if not strategy.learns:
        return state.net, 0, ""
    config, net = setting.config, copy.deepcopy(state.net)
    random = np.random.default_rng(seed_of(setting.seed, "mix", number))
    names = [task.name for task in setting.tasks if state.buffer.tasks.get(task.name)]
    if not names:
        return state.net, 0, "no candidate was fit to learn from"
    data = mixed(state.buffer, names, rows_of(config.fitting), config.mix, random)
    state.spent.trained += len(data)
    try:
        taught = fine_tune(
            net, data, setting.loss, config.fitting, setting.seed, number, setting.rate(number), metric
        )
    except Failure as error:
        return state.net, 0, f"fine-tuning failed: {error}"
    return net, taught, ""


def _controlled(setting: Setting, state: State, number: int) -> int:
    """The control goes the same steps, at the same rate, on real data only."""
    config = setting.config
    random = np.random.default_rng(seed_of(setting.seed, "control", number))
    data = real_only(state.buffer, rows_of(config.fitting), random)
    rate = setting.rate(number)
    seen = fine_tune(state.control, data, setting.loss, config.fitting, setting.seed, number, rate)
    state.spent.control += seen
    return seen


def _figures(setting: Setting, state: State, model: Adapted, seed: int) -> Real:
    figures = judged(model, setting.held_out, setting.config.pairs, seed, setting.config.timeout_s)
    state.spent.judged += figures.passes
    return figures.rewards


def _rewards(setting: Setting, made: Candidates) -> dict[str, tuple[float, float | None]]:
    rows = zip(setting.tasks, made.rewards, made.chosen, strict=True)
    return {
        task.name: (float(said.mean()), float(said[chosen].mean()) if bool(chosen.any()) else None)
        for task, said, chosen in rows
    }


def _origins(buffer: TrajectoryBuffer) -> dict[str, int]:
    return {str(name): count for name, count in buffer.statistics().origins.items()}
