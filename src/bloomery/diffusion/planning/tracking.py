"""Driving along plans: a proportional-derivative law on predicted way-points, or the predicted actions as
such.
"""

from dataclasses import dataclass
from typing import Literal, NamedTuple

import numpy as np
from numpy.typing import NDArray

from bloomery.core.errors import UserError

from .mazes import Floats, Maze
from .simulator import STEP_S, advance

Mode = Literal["pd", "actions"]
MODES: tuple[Mode, ...] = ("pd", "actions")
GAIN, DRAG = 10.0, 1.0


@dataclass(frozen=True)
class Plans:
    """Shapes: states (B, H, 4), actions (B, H, 2), both every `stride` steps"""

    states: Floats
    actions: Floats
    stride: int

    def __len__(self) -> int:
        return len(self.states)

    @property
    def span(self) -> int:
        return (self.states.shape[1] - 1) * self.stride

    def picked(self, which: NDArray) -> "Plans":
        return Plans(self.states[which], self.actions[which], self.stride)


@dataclass
class Drive:
    """Balls along their plans, and how many steps ago they set out.

    Differs: Diffuser's law has gain and drag 1 and a way-point a step; here way-points are further apart.
    """

    plans: Plans
    steps: int = 0

    def act(self, state: Floats, mode: Mode) -> Floats:
        """The actions of this step. Shapes: state (B, 4) -> (B, 2)"""
        if mode not in MODES:
            raise UserError(f"plans are driven by {' or '.join(MODES)}, not '{mode}'")
        self.steps += 1
        if mode == "actions":
            return predicted_action(self.plans, self.steps - 1)
        aim = way_point(self.plans, self.steps)
        return GAIN * (aim[:, :2] - state[:, :2]) + DRAG * (aim[:, 2:] - state[:, 2:])


def way_point(plans: Plans, steps: float) -> Floats:
    """The planned states after so many steps, by cubic Hermite curves; past the end the last, at rest.

    Shapes: -> (B, 4)
    """
    last = plans.states.shape[1] - 1
    left = min(int(steps / plans.stride), last - 1)
    u, run = min(steps / plans.stride, last) - left, STEP_S * plans.stride
    one, other = plans.states[:, left], plans.states[:, left + 1]
    place = (1 + 2 * u) * (1 - u) ** 2 * one[:, :2] + u**2 * (3 - 2 * u) * other[:, :2]
    place = place + run * (u * (1 - u) ** 2 * one[:, 2:] - u**2 * (1 - u) * other[:, 2:])
    speed = (1 - u) * one[:, 2:] + u * other[:, 2:]
    return np.concatenate([place, speed if steps <= plans.span else 0 * speed], axis=1)


def predicted_action(plans: Plans, steps: int) -> Floats:
    """The planned actions after so many steps; past the end, none. Shapes: -> (B, 2)"""
    token = steps // plans.stride
    return plans.actions[:, token] if token < plans.actions.shape[1] else np.zeros((len(plans), 2))


class Run(NamedTuple):
    """What balls did. Shapes: states (B, T, 4) after each step, actions (B, T, 2)"""

    states: Floats
    actions: Floats


def follow(maze: Maze, plans: Plans, start: Floats, steps: int, mode: Mode = "pd") -> Run:
    """A run along each plan, open loop: planned once. Shapes: start (B, 4)"""
    drive, state, states, actions = Drive(plans), start, [], []
    for _ in range(steps):
        action = np.clip(drive.act(state, mode), -1.0, 1.0)
        state = advance(maze, state, action)
        states.append(state)
        actions.append(action)
    return Run(np.stack(states, axis=1), np.stack(actions, axis=1))
