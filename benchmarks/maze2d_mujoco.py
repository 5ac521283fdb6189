"""The plans of maze2d driven in MuJoCo, with its contacts: what a score owes to our simulator's walls.

    python -m benchmarks.maze2d --plans .benchmarks/maze2d/plans     # writes NAME.npz
    python -m benchmarks.maze2d_mujoco .benchmarks/maze2d/plans       # where mujoco is, no torch needed

The maze is built as D4RL builds it: a box of half a cell each way for a wall, a round ball without friction.
"""

import argparse
from pathlib import Path
from typing import Any

import numpy as np

from bloomery.diffusion.planning.mazes import HIGH, LOW, RADIUS, Floats, Maze, named
from bloomery.diffusion.planning.scores import first_reach, mean_and_half, normalised, protocol, rewards
from bloomery.diffusion.planning.simulator import GEAR, MOST_SPEED, STEP_S
from bloomery.diffusion.planning.tracking import Drive, Plans, follow

SHIFT = (HIGH - LOW) / 2  # of a cell's middle


def world(maze: Maze) -> str:
    """The maze in MuJoCo's language; the ball's coordinates are those of the maze."""
    boxes = "".join(
        f'<geom type="box" pos="{i + SHIFT} {j + SHIFT} 0" size=".5 .5 .2" contype="1" conaffinity="1"/>'
        for i, j in np.argwhere(maze.walls)
    )
    joints = "".join(
        f'<joint name="{name}" type="slide" axis="{axis}"/>'
        for name, axis in (("x", "1 0 0"), ("y", "0 1 0"))
    )
    motors = "".join(
        f'<motor joint="{name}" ctrlrange="-1 1" ctrllimited="true" gear="{GEAR:g}"/>' for name in "xy"
    )
    return f"""<mujoco><compiler inertiafromgeom="true"/>
    <option timestep="{STEP_S}" gravity="0 0 0" iterations="20" integrator="Euler"/>
    <default><joint damping="1"/>
    <geom friction=".5 .1 .1" density="1000" margin="0.002" condim="1" contype="2" conaffinity="1"/></default>
    <worldbody>{boxes}<body name="ball"><geom type="sphere" size="{RADIUS}" contype="1"/>{joints}</body>
    </worldbody><actuator>{motors}</actuator></mujoco>"""


def follow_there(maze: Maze, plans: Plans, starts: Floats, steps: int) -> Floats:
    """As `tracking.follow` by the PD law, one ball after another. Shapes: -> states (B, steps, 4)"""
    import mujoco

    model = mujoco.MjModel.from_xml_string(world(maze))
    runs = [_run(mujoco, model, plans.picked(np.array([n])), starts[n], steps) for n in range(len(starts))]
    return np.stack(runs)


def _run(mujoco: Any, model: Any, plan: Plans, start: Floats, steps: int) -> Floats:
    data, drive, seen = mujoco.MjData(model), Drive(plan), []
    data.qpos[:], data.qvel[:] = start[:2], start[2:]
    for _ in range(steps):
        state = np.concatenate([data.qpos, data.qvel])
        data.qvel[:] = np.clip(data.qvel, -MOST_SPEED, MOST_SPEED)
        data.ctrl[:] = np.clip(drive.act(state[None], "pd")[0], -1, 1)
        mujoco.mj_step(model, data)
        seen.append(np.concatenate([data.qpos, data.qvel]))
    return np.stack(seen)


def told(maze: str, states: Floats, goals: Floats) -> str:
    near = rewards(states[..., :2], goals)
    mean, half = mean_and_half(normalised(near.sum(axis=1).astype(float), maze))
    reach, first = near.any(axis=1).mean(), np.nanmean(first_reach(near))
    return f"{mean:.1f} ± {half:.1f} (reach {reach:.1%}, first after {first:.0f} steps)"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("folder", type=Path, help="where maze2d --plans wrote")
    parser.add_argument("--episodes", type=int, default=500)
    options = parser.parse_args()
    for path in sorted(options.folder.glob("*.npz")):
        kept, maze, count = np.load(path), named(path.stem), options.episodes
        starts, goals = kept["starts"][:count], kept["goals"][:count]
        plans = Plans(
            kept["states"][:count], np.zeros_like(kept["states"][:count, :, :2]), int(kept["stride"])
        )
        steps = protocol(maze.name).steps
        print(
            f"{maze.name}: MuJoCo {told(maze.name, follow_there(maze, plans, starts, steps), goals)}",
            flush=True,
        )
        print(
            f"{maze.name}: ours   {told(maze.name, follow(maze, plans, starts, steps).states, goals)}",
            flush=True,
        )


if __name__ == "__main__":
    main()
