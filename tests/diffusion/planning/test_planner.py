"""Plans: their ends are where they were asked to be, they are learned, kept, guided and refused."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from bloomery.core.errors import FormatRefused, MissingFile, UserError
from bloomery.diffusion.guiding.gradient import by_reward
from bloomery.diffusion.planning.data import Rides, random_starts
from bloomery.diffusion.planning.driving import best_of, open_loop, replanned
from bloomery.diffusion.planning.familiar import Familiar
from bloomery.diffusion.planning.folder import WEIGHTS, load_planner, save_planner
from bloomery.diffusion.planning.gold import towards
from bloomery.diffusion.planning.judging import crossing
from bloomery.diffusion.planning.learning import (
    PlannerConfig,
    entry_weights,
    fresh_net,
    learn,
    noisy_entries,
    rise_and_fall,
)
from bloomery.diffusion.planning.mazes import named, parsed
from bloomery.diffusion.planning.nets import built
from bloomery.diffusion.planning.planner import Planner, put_back
from bloomery.diffusion.planning.scores import rewards
from bloomery.diffusion.planning.tracking import Plans
from bloomery.diffusion.planning.windows import STATE, WIDTH, Scale, Spec

MAZE = named("umaze")
STARTS = random_starts(MAZE, 60, np.random.default_rng(0))
GOALS = np.tile(np.array(MAZE.goal, dtype=float), (60, 1))


def generator(seed: int = 0) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def reached(states: np.ndarray, goals: np.ndarray = GOALS) -> float:
    return float(rewards(states[..., :2], goals).any(axis=1).mean())


def test_a_plan_begins_at_its_start_and_ends_at_its_goal_at_rest(planner: Planner):
    plans = planner.plans(STARTS, GOALS, generator())
    np.testing.assert_allclose(plans.states[:, 0], STARTS, atol=1e-5)
    np.testing.assert_allclose(plans.states[:, -1, :2], GOALS, atol=1e-5)
    np.testing.assert_allclose(plans.states[:, -1, 2:], 0, atol=1e-5)


def test_a_net_that_knows_the_window_gives_it_back_whatever_the_noise(rides: Rides):
    spec, scale = Spec(horizon=8, stride=10), Scale.of(MAZE)
    known = torch.randn(len(STARTS), 8, WIDTH, generator=generator(1))
    known = put_back(scale, STARTS, None)(known, torch.zeros(len(STARTS)))
    oracle = torch.nn.Module()
    oracle.forward = lambda x, t: known  # type: ignore[method-assign,assignment]
    found = Planner(MAZE, spec, oracle, Familiar.of(rides)).plans(STARTS, None, generator(), steps=5, eta=0.5)
    np.testing.assert_allclose(found.states, scale.outward(known[..., :STATE]), atol=1e-5)
    np.testing.assert_allclose(found.actions, scale.outward(known)[..., STATE:], atol=1e-5)


def test_equal_seeds_give_equal_plans_and_others_do_not(planner: Planner):
    one, same, other = (planner.plans(STARTS, GOALS, generator(seed)).states for seed in (1, 1, 2))
    np.testing.assert_array_equal(one, same)
    assert not np.array_equal(one, other)


def test_a_trained_planner_keeps_out_of_walls_where_an_untrained_one_does_not(planner: Planner):
    fresh = replace(planner, net=fresh_net(MAZE, planner.spec, PlannerConfig(hidden=96, depth=2)))
    learned, unlearned = (
        crossing(MAZE, one.plans(STARTS, GOALS, generator())).mean() for one in (planner, fresh)
    )
    assert learned < unlearned - 0.1  # by training seed .14, .34, .28 against .54


class Hesitant(torch.nn.Module):
    """Stays where it is in the first plan; later goes straight to the goal in a third of the window."""

    def __init__(self, passes: int) -> None:
        super().__init__()
        self.left = passes

    def forward(self, x: torch.Tensor, t: torch.Tensor) -> torch.Tensor:
        self.left -= 1
        share = torch.linspace(0, 3, x.shape[1]).clamp(max=1.0 if self.left < 0 else 0.0)[None, :, None]
        place = x[:, :1, :2] + share * (x[:, -1:, :2] - x[:, :1, :2])
        return torch.cat([place, torch.zeros_like(x[..., 2:])], dim=-1)


def test_new_plans_on_the_way_mend_what_the_first_got_wrong(rides: Rides):
    maze, spec = named("open"), Spec(horizon=16, stride=10)
    starts, goals = np.array([[1.0, 1.0, 0.0, 0.0]]), np.array([[3.0, 4.0]])

    def hesitant() -> Planner:
        return Planner(maze, spec, Hesitant(16), Familiar.of(rides))

    assert reached(open_loop(hesitant(), starts, goals, 135, generator()), goals) == 0
    assert reached(replanned(hesitant(), starts, goals, 135, generator(), every=45), goals) == 1
    with pytest.raises(UserError, match="every 1 step or more"):
        replanned(hesitant(), starts, goals, 135, generator(), every=0)


def test_a_new_plan_at_the_end_of_the_run_only_is_the_open_loop(planner: Planner):
    once = open_loop(planner, STARTS, GOALS, 50, generator())
    np.testing.assert_array_equal(replanned(planner, STARTS, GOALS, 50, generator(), every=50), once)


def test_the_best_of_several_plans_is_the_one_that_is_worth_most(planner: Planner):
    def south(runs: np.ndarray) -> np.ndarray:
        return np.asarray(runs[:, :, 0].max(axis=1))

    plans, runs = best_of(planner, STARTS[:10], GOALS[:10], 200, generator(), count=6, worth=south)
    each = [best_of(planner, STARTS[:10], GOALS[:10], 200, generator(), count=1, worth=south)[1]]
    assert len(plans) == 10
    assert runs[:, :, 0].max(axis=1).mean() >= each[0][:, :, 0].max(axis=1).mean()
    many = planner.plans(np.repeat(STARTS[:10], 6, axis=0), np.repeat(GOALS[:10], 6, axis=0), generator())
    assert all(any(np.array_equal(one, other) for other in many.states) for one in plans.states)


def test_guidance_draws_plans_towards_what_is_rewarded(planner: Planner):
    coins = np.tile([[3.0, 1.0]], (60, 1))
    guide = by_reward(planner.process, towards(coins, planner.scale), 3.0)

    def nearest(plans: Plans) -> float:
        return float(np.linalg.norm(plans.states[..., :2] - coins[:, None], axis=-1).min(axis=1).mean())

    plain = nearest(planner.plans(STARTS, None, generator()))
    assert nearest(planner.plans(STARTS, None, generator(), guide=guide)) < plain - 0.1


@pytest.mark.parametrize("place", [(0.0, 0.0), (2.0, 1.0), (50.0, 1.0), (float("nan"), 1.0)])
def test_starts_and_goals_in_walls_are_refused(planner: Planner, place: tuple[float, float]):
    start = np.array([[*place, 0.0, 0.0]])
    with pytest.raises(UserError, match=r"start .* inside a wall"):
        planner.plans(start, None, generator())
    with pytest.raises(UserError, match=r"goal .* inside a wall"):
        planner.plans(STARTS[:1], start[:, :2], generator())


def test_a_saved_planner_plans_the_same(planner: Planner, tmp_path: Path):
    save_planner(planner, tmp_path / "p")
    loaded = load_planner(tmp_path / "p")
    assert loaded.maze == planner.maze
    one, other = (some.plans(STARTS, GOALS, generator()).states for some in (planner, loaded))
    np.testing.assert_array_equal(one, other)
    np.testing.assert_array_equal(loaded.familiar.strangeness(STARTS), planner.familiar.strangeness(STARTS))


def test_a_folder_without_a_planner_and_a_damaged_one_are_refused(planner: Planner, tmp_path: Path):
    with pytest.raises(MissingFile, match=r"planner\.json"):
        load_planner(tmp_path)
    save_planner(planner, tmp_path)
    (tmp_path / WEIGHTS).write_bytes(b"torn")
    with pytest.raises(FormatRefused, match="not a planner's folder"):
        load_planner(tmp_path)


def test_an_interrupted_training_ends_with_the_same_bits(rides: Rides, tmp_path: Path):
    config = PlannerConfig(steps=30, batch=32, hidden=16, depth=1, seed=1)
    spec, whole = Spec(horizon=6, stride=20), tmp_path / "whole"
    straight = learn(MAZE, rides, spec, config, folder=whole)

    def stop(done: int, total: int, text: str) -> None:
        if done == 17:
            raise KeyboardInterrupt

    again = tmp_path / "again"
    with pytest.raises(KeyboardInterrupt):
        learn(MAZE, rides, spec, replace(config, checkpoint_every=10), folder=again, tell=stop)
    resumed = learn(MAZE, rides, spec, replace(config, checkpoint_every=10), folder=again)
    for one, other in zip(straight.net.parameters(), resumed.net.parameters(), strict=True):
        assert torch.equal(one, other)


def test_noise_never_falls_on_the_start_and_on_the_goal_in_a_share_of_windows():
    torch.manual_seed(0)
    noisy = noisy_entries(torch.zeros(4000, 5, WIDTH), 0.15, torch.Generator().manual_seed(0))
    assert not noisy[:, 0, :STATE].any()
    assert noisy[:, 1:-1].all()
    assert noisy[:, :, STATE:].all()
    goals = noisy[:, -1, :STATE]
    assert (goals.all(1) == goals.any(1)).all()
    assert abs(goals[:, 0].float().mean() - 0.15) < 0.02  # 3.5 standard errors


def test_the_rate_rises_then_falls_and_actions_weigh_less():
    rates = [rise_and_fall(step, 1000) for step in range(1000)]
    assert max(rates) == max(rates[90:110])
    assert rates[0] < 0.02
    assert abs(rates[-1] - 0.02) < 1e-4
    assert entry_weights(PlannerConfig(action_weight=0.3)).tolist() == pytest.approx([1] * 4 + [0.3] * 2)


def test_a_planner_of_a_drawn_maze_knows_that_maze():
    maze = parsed("#####\n#OOO#\n#O#O#\n#####", "drawn")
    net = built(maze, Spec(horizon=4, stride=5), "window", 8, 1)
    token = Scale.of(maze).inward(np.array([[1.0, 2.0, 0, 0, 0, 0]]))
    near = net.near(token)[0]
    assert maze.cells[int(near.argmax())] == (1, 2)
    assert float(near.max()) == pytest.approx(1.0, abs=1e-5)
    assert float(near.sort().values[-2]) == pytest.approx(np.exp(-0.5 / 0.4**2), abs=1e-4)  # one cell away
