"""A small planner of umaze, trained for a few seconds once."""

import pytest

from bloomery.diffusion.planning.data import Rides, generate
from bloomery.diffusion.planning.learning import PlannerConfig, learn
from bloomery.diffusion.planning.mazes import named
from bloomery.diffusion.planning.planner import Planner
from bloomery.diffusion.planning.windows import Spec

SPEC = Spec(horizon=16, stride=12)
CONFIG = PlannerConfig(steps=300, batch=128, hidden=96, depth=2, seed=3)


@pytest.fixture(scope="session")
def rides() -> Rides:
    return generate(named("umaze"), 5, 40_000, 100)


@pytest.fixture(scope="session")
def planner(rides: Rides) -> Planner:
    return learn(named("umaze"), rides, SPEC, CONFIG)
