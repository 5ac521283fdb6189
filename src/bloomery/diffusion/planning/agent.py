"""The planner as agents ask it: a state, a goal, perhaps a reward; actions, how sure, and what is strange."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch

from bloomery.core.errors import UserError
from bloomery.diffusion.guiding.rewards import Reward, asked

from .judging import ARRIVED
from .mazes import Floats
from .planner import Planner
from .scores import rewards
from .tracking import Plans, follow

CANDIDATES = 16


@dataclass(frozen=True)
class Advice:
    """`confidence` is the share of the candidates that arrive when they are driven in the simulator.

    `strange` says in words what of the question is unlike all that the planner learned from; where there is
    anything, neither the plan nor the confidence is to be relied on.

    Shapes: actions (T, 2), states (T, 4) that the simulator expects of them, candidates' plans of (N, H, 4)
    """

    actions: Floats
    states: Floats
    worth: float
    confidence: float
    strange: tuple[str, ...]
    candidates: Plans

    @property
    def reliable(self) -> bool:
        return not self.strange and self.confidence >= 0.5


def plan(
    planner: Planner,
    state: Sequence[float] | Floats,
    goal: Sequence[float] | Floats,
    reward: Reward | None = None,
    *,
    steps: int | None = None,
    count: int = CANDIDATES,
    seed: int = 0,
    timeout_s: float | None = None,
) -> Advice:
    """The actions of the candidate whose simulated run is worth most (default: most steps near the goal).

    The reward sees positions and velocities. Shapes: state (4,) or a place (2,) at rest, goal (2,); reward:
    runs (count, steps, 4) -> (count,)
    Raises: UserError for a state or goal that is no place in the maze, a reward that raises or is not finite.
    """
    state, goal = _asked(state, 4, "state"), _asked(goal, 2, "goal")
    steps = steps or planner.spec.span
    starts, goals = np.repeat(state[None], count, axis=0), np.repeat(goal[None], count, axis=0)
    plans = planner.plans(starts, goals, torch.Generator().manual_seed(seed))
    runs, actions = follow(planner.maze, plans, starts, steps)
    if reward is None:
        worths = rewards(runs[..., :2], goals).sum(axis=1).astype(float)
    else:
        worths = asked(reward, torch.from_numpy(runs), timeout_s).numpy()
    best = int(worths.argmax())
    arrived = np.linalg.norm(runs[:, -1, :2] - goal, axis=1) <= ARRIVED
    return Advice(
        actions[best], runs[best], float(worths[best]), float(arrived.mean()),
        strange(planner, state, goal), plans,
    )  # fmt: skip


def strange(planner: Planner, state: Floats, goal: Floats) -> tuple[str, ...]:
    """What of a question is out of the distribution that the planner learned, in words."""
    said = []
    speed = float(np.abs(state[2:]).max())
    apart = float(planner.familiar.strangeness(state[None])[0])
    if apart > 1:
        said.append(
            f"the state (speed {speed:.1f}) is {apart:.1f} times as far from known ones as any of those"
        )
    apart = float(planner.familiar.strange_places(goal[None])[0])
    if apart > 1:
        said.append(f"the goal is {apart:.1f} times as far from known places as they are")
    return tuple(said)


def _asked(given: Sequence[float] | Floats, size: int, what: str) -> Floats:
    try:
        found = np.asarray(given, dtype=float).reshape(-1)
    except (TypeError, ValueError) as error:
        raise UserError(f"a {what} has {size} finite numbers; got {given!r}") from error
    if size == 4 and len(found) == 2:
        found = np.concatenate([found, np.zeros(2)])
    if len(found) != size or not np.isfinite(found).all():
        raise UserError(f"a {what} has {size} finite numbers; got {given!r}")
    return found
