"""Recursive self-optimization: rounds of strategies that a bandit chooses, each kept or rolled back."""

import copy
import tempfile
import time
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path

import torch
from torch import Tensor, nn

from bloomery.core.errors import UserError
from bloomery.diffusion.buffer import saving as buffers
from bloomery.diffusion.buffer.trajectories import TrajectoryBuffer
from bloomery.diffusion.denoisers.teaching import Loss
from bloomery.diffusion.guiding.rewards import asked, discerning
from bloomery.diffusion.processes.process import Process
from bloomery.training.callbacks import MetricSink

from .adapted import Adapted, drawn
from .bandit import Bandit
from .budget import Budget, Metered, Spent
from .hooks import Hook
from .intervals import paired
from .judging import Real, deviations_of, judged
from .memory import Memories, embedded
from .reporting import Report, Round
from .rounds import State, forgetting_of, one_round
from .saving import Keeping, load, save
from .seeds import generator_of, seed_of
from .setting import AdaptConfig, Setting, setting
from .strategies import Strategy, grid
from .tasks import Task, Trial
from .tuning import real_slots


def adapt(
    model: nn.Module,
    buffer: TrajectoryBuffer,
    tasks: Task | Sequence[Task],
    budget: Budget,
    *,
    process: Process,
    config: AdaptConfig,
    old: Sequence[Trial] = (),
    held_out: Sequence[Trial] | None = None,
    strategies: Sequence[Strategy] | None = None,
    seed: int = 0,
    loss: Loss | None = None,
    keep: Keeping | None = None,
    hooks: Sequence[Hook] = (),
    metric: MetricSink | None = None,
    should_stop: Callable[[], bool] | None = None,
    clock: Callable[[], float] = time.monotonic,
) -> tuple[Adapted, Report]:
    """Adapt a model to tasks. The model and the buffer given stay as they are.

    `old` must not be forgotten; `held_out` is what gains are judged on, else the tasks on other noise. The
    buffer holds real data as `x`, with the conditions by name. With `keep` a run that was killed goes on from
    its last round and ends with the same bits; once rewards fail in a later round, it ends with what it has.

    Raises: UserError of rewards that are none, that are constant, or are one; of a budget too small to judge
    """
    run = setting(
        tasks, budget, buffer, process=process, old=old, held_out=held_out,
        strategies=grid() if strategies is None else strategies, config=config, seed=seed, loss=loss,
    )  # fmt: skip
    base = copy.deepcopy(model).eval()
    run = _embedded(run, buffer)
    state = load(keep, run, base) if keep else None
    state = state or _begun(run, base, buffer)
    stopped = _rounds(run, state, base, keep, hooks, metric, should_stop, clock)
    report = _report(run, state, base, stopped)
    for hook in hooks:
        hook.on_end(report)
    return state.adapted(run), report


def _rounds(
    run: Setting,
    state: State,
    base: nn.Module,
    keep: Keeping | None,
    hooks: Sequence[Hook],
    metric: MetricSink | None,
    should_stop: Callable[[], bool] | None,
    clock: Callable[[], float],
) -> str:
    """Rounds until one of many reasons, which is returned."""
    began = clock()
    while True:
        left = run.budget.passes - state.spent.total - run.closing()
        arm = state.bandit.choose(left)
        if reason := _ended(run, state, arm):
            return reason
        if should_stop is not None and should_stop():
            return "requested"
        if run.budget.seconds is not None and clock() - began >= run.budget.seconds:
            return f"{run.budget.seconds:g} s are over"
        assert arm is not None  # else it had ended
        try:
            round = one_round(run, state, base, arm, hooks, metric)
        except UserError as error:
            if not state.rounds:
                raise
            return f"round {len(state.rounds)} was refused: {error}"
        if keep:
            save(state, keep, run, base)
        _tell(round, state, run, hooks, metric)


def _ended(run: Setting, state: State, arm: int | None) -> str:
    if len(state.rounds) >= run.budget.rounds:
        return f"{run.budget.rounds} rounds are done"
    last = state.rounds[-run.budget.patience :]
    if len(last) == run.budget.patience and not any(round.kept for round in last):
        return f"{run.budget.patience} rounds in a row brought nothing"
    return "no strategy is left that the budget allows" if arm is None else ""


def _begun(run: Setting, base: nn.Module, buffer: TrajectoryBuffer) -> State:
    """Rewards are asked before anything is paid for: of the model's samples and of real data."""
    deviations: dict[str, float] = {}
    allowed: dict[str, float] = {}
    spent, real, config = Spent(), _probe(run, buffer), run.config
    for place, group in enumerate(run.trials()):
        metered, generator = Metered(base), generator_of(run.seed, "probe", place)
        with torch.no_grad():
            x = drawn(metered, run.process, group, config.probe, run.deployed, None, None, generator)
        spent.judged += metered.examples
        differ = deviations_of(group, x, real, config.timeout_s)
        if group is run.old:
            allowed = {name: config.margin * deviation for name, deviation in differ.items()}
        for task, samples in zip(group, x, strict=True):
            if isinstance(task, Task) and group is run.tasks:
                deviations[task.name] = _deviation(task, samples, config.timeout_s)
    bandit = Bandit(_costs(run), config.curiosity, config.discount)
    memories = Memories(config.memory, buffer.holdings.contents.fields)
    return State(base, copy.deepcopy(base), copied(buffer), memories, bandit, deviations, allowed, spent)


def _deviation(task: Task, samples: Tensor, timeout_s: float | None) -> float:
    """Of what selects among the model's samples. Raises: UserError where it judges in all but name"""
    said = discerning(task.selects.reward, samples, timeout_s)
    if torch.equal(said, asked(task.judges.reward, samples, timeout_s)):
        raise UserError(
            f"what selects '{task.name}' and what judges it say the same of all {len(said)} samples: a gain"
            " in what was selected by says nothing; judge by another reward"
        )
    return float(said.std())


def _embedded(run: Setting, buffer: TrajectoryBuffer) -> Setting:
    """The tasks with their embeddings: how each ranks the same real data."""
    probe, embedding = _probe(run, buffer), {}
    for task in run.tasks:
        own = task.embedding
        embedding[task.name] = (
            own if own is not None else embedded(task.selects.reward, probe, run.config.timeout_s)
        )
    tasks = tuple(replace(task, embedding=embedding[task.name]) for task in run.tasks)
    return replace(run, tasks=tasks, held_out=tasks if run.held_out is run.tasks else run.held_out)


def _probe(run: Setting, buffer: TrajectoryBuffer) -> Tensor:
    slots = real_slots(buffer)[: run.config.probe]
    x = torch.from_numpy(buffer.entries(slots).content["x"])
    return x if x.is_floating_point() else x.long()


def _costs(run: Setting) -> list[float]:
    return [float(run.cost(one)) for one in run.strategies]


def _report(run: Setting, state: State, base: nn.Module, stopped: str) -> Report:
    """On noise that has decided nothing."""
    seed, model = seed_of(run.seed, "frozen"), state.adapted(run)
    first, last = (Adapted(net, run.process, run.deployed) for net in (base, state.control))
    spent = replace(state.spent)
    rewards: list[Real] = []
    for one in (first, model, last):
        figures = judged(one, run.held_out, run.config.pairs, seed, run.config.timeout_s)
        rewards.append(figures.rewards)
        spent.judged += figures.passes
    then, now, control = rewards
    level, tally = run.config.level, replace(state, spent=spent)
    old = forgetting_of(run, tally, base, model, seed, level)
    names = [task.name for task in run.held_out]
    means = [dict(zip(names, one.mean(1).tolist(), strict=True)) for one in rewards]
    return Report(
        stopped=stopped, rounds=tuple(state.rounds), base=means[0], adapted=means[1], control=means[2],
        gain=paired(now, then, level, seed), control_gain=paired(control, then, level, seed),
        over_control=paired(now, control, level, seed), old=old, taught=state.taught,
        controlled=state.controlled, spent=spent,
        means={str(one): state.bandit.known(arm) for arm, one in enumerate(run.strategies)},
    )  # fmt: skip


def _tell(round: Round, state: State, run: Setting, hooks: Sequence[Hook], metric: MetricSink | None) -> None:
    for hook in hooks:
        hook.on_round(round, state.adapted(run))
    if metric is not None:
        told = {"kept": float(round.kept)} | ({"gain": round.gain.mean} if round.gain else {})
        told |= {"buffer": sum(round.buffer.values()), "remembered": round.remembered, "rate": round.rate}
        told |= {f"reward/{name}": mean for name, (mean, _) in round.rewards.items()}
        for name, value in told.items():
            metric(f"adapt/{name}", float(value), round.number)


def copied(buffer: TrajectoryBuffer) -> TrajectoryBuffer:
    """The same buffer, apart, to the bit."""
    with tempfile.TemporaryDirectory() as folder:
        buffers.write(buffer, Path(folder) / "buffer")
        return buffers.read(Path(folder) / "buffer")
