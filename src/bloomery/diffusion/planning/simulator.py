"""The point mass of maze2d, many at a time.

A ball of radius 0.1 and density 1000 on two damped slides, driven by motors of gear 100, stepped by semi-
implicit Euler with implicit damping: in free space these are MuJoCo's own equations. Walls are this
simulator's own: the ball is a square as wide as it, which a wall stops without bounce and without friction,
one axis after the other. MuJoCo's contacts are soft and its ball is round, so that paths part at walls and
at corners.
"""

import math

import numpy as np

from .mazes import HIGH, LOW, RADIUS, Floats, Maze, wall_at

STEP_S = 0.01
GEAR = 100.0
DAMPING = 1.0
MASS = 4 / 3 * math.pi * RADIUS**3 * 1000.0
MOST_SPEED = 5.0  # velocities are clipped to it before each step, as maze2d does


def advance(maze: Maze, state: Floats, action: Floats) -> Floats:
    """One step of 10 ms.

    Shapes: state (B, 4) of position and velocity, action (B, 2) -> (B, 4)
    """
    velocity = np.clip(state[:, 2:], -MOST_SPEED, MOST_SPEED)
    force = GEAR * np.clip(action, -1.0, 1.0) - DAMPING * velocity
    velocity = velocity + STEP_S * force / (MASS + STEP_S * DAMPING)
    position = state[:, :2].copy()
    for axis in (0, 1):
        _move(maze, position, velocity, axis)
    return np.concatenate([position, velocity], axis=1)


def _move(maze: Maze, position: Floats, velocity: Floats, axis: int) -> None:
    """Along one axis, in place; a wall ahead stops the ball at its face."""
    position[:, axis] += STEP_S * velocity[:, axis]
    side = np.sign(velocity[:, axis])
    ahead = position.copy()
    ahead[:, axis] += side * (RADIUS - 1e-9)
    hit = np.zeros(len(position), dtype=bool)
    for edge in (-1, 1):
        corner = ahead.copy()
        corner[:, 1 - axis] += edge * (RADIUS - 1e-9)
        hit |= wall_at(maze, corner)
    if hit.any():
        cell = np.floor(ahead[hit, axis] + LOW)
        face = np.where(side[hit] > 0, cell - LOW - RADIUS, cell + HIGH + RADIUS)
        position[hit, axis] = face
        velocity[hit, axis] = 0.0
