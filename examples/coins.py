"""A coin to pick up on the way: a reward that plans are chosen by, and another one that judges driven runs.

    bloomery diffuse adapt umaze --reward coins.py:reward --judge coins.py:judge --budget 10m

A reward gets states, a torch tensor (plans, steps, 4) of row, column and their speeds, a step each 10 ms, and
gives a number for each plan, the higher the better. One that torch computes also guides by its gradient.
"""

import torch
from torch import Tensor

COIN = torch.tensor([3.15, 3.15])  # row and column; in a corner that the shortest way cuts off
NEAR = 0.3  # in cells


def reward(states: Tensor) -> Tensor:
    """Less the distance from the coin of the nearest state."""
    away = (states[..., :2] - COIN).square().sum(-1).add(1e-6).sqrt()
    return -away.min(dim=1).values


def judge(states: Tensor) -> Tensor:
    """Whether the coin was picked up."""
    return (reward(states) > -NEAR).float()


def main() -> None:
    """What both say of a way through the coin's cell, and of one that keeps a row away."""
    column = torch.linspace(1, 3, 50)
    for row in (3.0, 1.0):
        states = torch.stack([torch.full((50,), row), column, torch.zeros(50), torch.ones(50)], dim=-1)
        print(f"row {row:g}: reward {reward(states[None])[0]:.2f}, picked up {judge(states[None])[0]:.0f}")


if __name__ == "__main__":
    main()
