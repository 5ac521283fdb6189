"""The planners of maze2d in gymnasium-robotics' PointMaze: its resets, its MuJoCo, its idea of success.

    pip install gymnasium-robotics mujoco
    python -m benchmarks.maze2d                       # trains the planners, into .benchmarks/maze2d
    python -m benchmarks.point_maze --json out.json

Starts and goals are those of the environment's own resets, by seed: anywhere in a cell, which planners have
seen, and goals beside the middle of a cell, which they have not. A plan is made once and driven by a PD law;
success is the environment's: within 0.45 of the goal at some step. The same plans are driven in ours.
"""

import argparse
import json
import os
import time
from pathlib import Path
from typing import Any

os.environ.setdefault("OMP_NUM_THREADS", "1")

import numpy as np
import torch

from bloomery.core.errors import CapabilityMissing
from bloomery.diffusion.planning import point_maze
from bloomery.diffusion.planning.folder import load_planner
from bloomery.diffusion.planning.mazes import Maze, named
from bloomery.diffusion.planning.planner import Planner
from bloomery.diffusion.planning.scores import protocol
from bloomery.diffusion.planning.tracking import follow
from bloomery.diffusion.planning.trained import SPECS, STEPS

NEAR, EPISODES = 0.45, 50


def environment(maze: Maze) -> Any:
    """PointMaze with our layout. Raises: CapabilityMissing where it is not installed."""
    try:
        import gymnasium
        import gymnasium_robotics
    except ImportError as error:
        raise CapabilityMissing(
            f"{error.name} is not installed: pip install gymnasium-robotics mujoco"
        ) from error
    gymnasium.register_envs(gymnasium_robotics)
    return gymnasium.make(
        "PointMaze_UMaze-v3", maze_map=point_maze.map_of(maze), max_episode_steps=10**6, reset_target=False
    )


def measured(planner: Planner, episodes: int, seed: int) -> dict[str, float]:
    """Shares of episodes with success and of steps at the goal, there and here; how far runs come apart."""
    maze, steps = planner.maze, protocol(planner.maze.name).steps
    env, seeds = environment(maze), range(episodes)
    starts, goals = point_maze.begin(env, maze, seeds)
    plans = planner.plans(starts, goals, torch.Generator().manual_seed(seed))
    states, won = point_maze.follow(env, maze, plans, seeds, steps)
    here = follow(maze, plans, starts, steps).states
    near = np.linalg.norm(here[..., :2] - goals[:, None], axis=-1) <= NEAR
    apart = np.linalg.norm(states[:, -1, :2] - here[:, -1, :2], axis=1)
    return {
        "success": float(won.any(1).mean()), "success here": float(near.any(1).mean()),
        "steps at the goal": float(won.mean()), "steps at the goal here": float(near.mean()),
        "agree": float((won.any(1) == near.any(1)).mean()), "apart": float(np.median(apart)),
        "episodes": episodes,
    }  # fmt: skip


def row(name: str, found: dict[str, float]) -> dict[str, Any]:
    return {
        "what": f"{name} in PointMaze, open loop: share of episodes with success",
        "ours": found["success"], "peer": found["success here"],
        "ratio": found["success"] / found["success here"] if found["success here"] else None,
        "unit": "share", "bar": "printed; peer: our simulator", "higher_is_better": True, "met": None,
        "note": f"{found['episodes']} episodes; steps at the goal {found['steps at the goal']:.1%},"
        f" in our simulator {found['steps at the goal here']:.1%}; both agree in {found['agree']:.0%},"
        f" balls end {found['apart']:.2g} cells apart (median)",
    }  # fmt: skip


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--json", type=Path, help="write what was measured here")
    parser.add_argument(
        "--folder", type=Path, default=Path(".benchmarks/maze2d"), help="of benchmarks.maze2d"
    )
    parser.add_argument("--mazes", nargs="+", default=list(SPECS), choices=list(SPECS))
    parser.add_argument("--episodes", type=int, default=EPISODES)
    parser.add_argument("--seed", type=int, default=0)
    options = parser.parse_args()
    torch.set_num_threads(1)
    begun, rows = time.monotonic(), []
    try:
        environment(named(options.mazes[0])).close()
    except CapabilityMissing as missing:
        print(f"not run: {missing}")
        return
    for name in options.mazes:
        planner = load_planner(options.folder / f"{name}-{STEPS[name]}-{options.seed}")
        rows.append(row(name, measured(planner, options.episodes, options.seed)))
        print(f"{rows[-1]['what']}: {rows[-1]['ours']:.1%}, here {rows[-1]['peer']:.1%}; {rows[-1]['note']}")
    if options.json:
        result = {"name": "point_maze", "command": "python -m benchmarks.point_maze", "rows": rows,
                  "seconds": time.monotonic() - begun}  # fmt: skip
        options.json.write_text(json.dumps(result, indent=1))


if __name__ == "__main__":
    main()
