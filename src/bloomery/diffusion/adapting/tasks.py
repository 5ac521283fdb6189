"""What is to be learned, and what it is judged by: two rewards, of two types, which may not be one."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import Any

import torch
from torch import Tensor, nn

from bloomery.core.errors import UserError
from bloomery.diffusion.guiding.gradient import Smooth
from bloomery.diffusion.guiding.rewards import Reward
from bloomery.diffusion.processes.process import Net, Project

Fit = Callable[[Tensor], Tensor]  # samples (B, ...) -> (B,) whether each may be learned from


@dataclass(frozen=True)
class Selecting:
    """What candidates are guided and chosen by; `smooth` is the same with a gradient, where there is one.

    `fit` is a discriminator: what it refuses is not chosen, whatever its reward.
    """

    reward: Reward
    smooth: Smooth | None = None
    fit: Fit | None = None


@dataclass(frozen=True)
class Judging:
    """What says whether a round is kept; nothing is chosen or learned by it."""

    reward: Reward


@dataclass(frozen=True, kw_only=True)
class Trial:
    """What can be judged: samples of a shape, under a condition, with what is known of them put back.

    `condition` goes to the net by name. `embedding` says which tasks are alike (see `memory`).

    Shapes: condition and `shape` are of one sample
    """

    name: str
    judges: Judging
    shape: tuple[int, ...]
    condition: Mapping[str, Tensor] = field(default_factory=dict)
    project: Project | None = None
    embedding: Tensor | None = None

    def __post_init__(self) -> None:
        if not isinstance(self.judges, Judging):
            raise UserError(f"the task '{self.name}' is judged by a Judging(reward), not by {self.judges!r}")


@dataclass(frozen=True, kw_only=True)
class Task(Trial):
    """What can be learned.

    `teaches` is what entries hold besides, for the process's loss: a `mask` or `weight` of one sample.

    Raises: UserError where one reward is to select and to judge
    """

    selects: Selecting
    teaches: Mapping[str, Tensor] = field(default_factory=dict)

    def __post_init__(self) -> None:
        super().__post_init__()
        if not isinstance(self.selects, Selecting):
            raise UserError(f"the task '{self.name}' selects by a Selecting(reward), not by {self.selects!r}")
        refuse_shared([self], [self])


@dataclass(frozen=True)
class Rows:
    """Tasks side by side in one batch, `each` rows of each."""

    tasks: Sequence[Trial]
    each: int

    @property
    def shape(self) -> tuple[int, ...]:
        return (len(self.tasks) * self.each, *self.tasks[0].shape)

    def bound(self, net: Callable[..., Tensor]) -> Net:
        """The net with each row's condition."""
        return partial(net, **self.conditions()) if self.tasks[0].condition else net

    def conditions(self) -> dict[str, Tensor]:
        """Shapes: -> (T each, ...) by name"""
        names = self.tasks[0].condition
        return {name: self._repeated([task.condition[name] for task in self.tasks]) for name in names}

    def project(self) -> Project | None:
        """Each task's own, on its rows."""
        if all(task.project is None for task in self.tasks):
            return None

        def put_back(x: Tensor, s: Tensor) -> Tensor:
            parts = zip(self.tasks, x.split(self.each), s.split(self.each), strict=True)
            return torch.cat(
                [part if task.project is None else task.project(part, s) for task, part, s in parts]
            )

        return put_back

    def by_task(self, rewards: Sequence[Callable[[Tensor], Any]]) -> Callable[[Tensor], Tensor]:
        """One reward for each task's rows. Shapes: (T each, ...) -> (T each,)"""

        def say(x: Tensor) -> Tensor:
            parts = zip(rewards, x.split(self.each), strict=True)
            return torch.cat([torch.as_tensor(reward(part)) for reward, part in parts])

        return say

    def _repeated(self, values: Sequence[Tensor]) -> Tensor:
        return torch.stack(list(values)).repeat_interleave(self.each, 0)


def refuse_unlike(tasks: Sequence[Trial]) -> None:
    """Raises: UserError of tasks that cannot lie in one batch, or whose names meet"""
    names = [task.name for task in tasks]
    if not tasks or len(set(names)) < len(names):
        raise UserError(f"tasks are 1 or more, each with a name of its own; got {names}")
    for task in tasks:
        forms = (task.shape, {name: value.shape for name, value in task.condition.items()})
        first = (tasks[0].shape, {name: value.shape for name, value in tasks[0].condition.items()})
        if forms != first:
            raise UserError(
                f"tasks of one batch have one shape and one kind of condition: '{task.name}' has {forms},"
                f" '{tasks[0].name}' {first}; adapt to them one after the other"
            )


def refuse_shared(selecting: Sequence[Task], judging: Sequence[Trial]) -> None:
    """Raises: UserError where what selects any task also judges one"""
    for task in selecting:
        for judged in judging:
            for reward in (task.selects.reward, task.selects.smooth):
                if reward is not None and same(reward, judged.judges.reward):
                    raise UserError(
                        f"'{task.name}' is selected by the reward that judges '{judged.name}': a gain in what"
                        " was selected by says nothing; judge by another reward"
                    )


def same(one: Any, other: Any) -> bool:
    """Whether two rewards are one: the same object, method, or function with the same arguments."""
    if isinstance(one, partial) and isinstance(other, partial):
        mine, theirs = ([*p.args, *p.keywords.values()] for p in (one, other))
        alike = len(mine) == len(theirs) and all(a is b for a, b in zip(mine, theirs, strict=True))
        return alike and one.keywords.keys() == other.keywords.keys() and same(one.func, other.func)
    if isinstance(one, nn.Module) or isinstance(other, nn.Module):
        return one is other
    return one is other or (getattr(one, "__func__", 0), getattr(one, "__self__", 0)) == (
        getattr(other, "__func__", 1),
        getattr(other, "__self__", 1),
    )
