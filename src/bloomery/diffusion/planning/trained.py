"""A maze's planner, trained once in a workspace and remembered there."""

from collections.abc import Mapping

from bloomery.core.closure import Deferred
from bloomery.core.run import Run, Watch
from bloomery.core.step import StepContext
from bloomery.core.workspace import Workspace

from .data import generate
from .folder import load_planner, save_planner
from .learning import PlannerConfig, learn
from .mazes import Maze
from .planner import Planner
from .windows import Spec

STEP = "planner"
SPECS: Mapping[str, Spec] = {
    "umaze": Spec(horizon=32, stride=6),
    "medium": Spec(horizon=40, stride=8),
    "large": Spec(horizon=64, stride=8),
}
STEPS: Mapping[str, int] = {"umaze": 1500, "medium": 3000, "large": 8000}
"""Of the optimizer: what each of the published mazes needs, chosen on other starts than those of the exam."""


def spec_of(maze: Maze) -> Spec:
    """Windows long enough for the longest way: a published maze's own, else by its number of cells."""
    return SPECS.get(maze.name.removeprefix("eval-")) or Spec(
        horizon=max(16, min(64, len(maze.cells))), stride=8
    )


def steps_of(maze: Maze) -> int:
    return STEPS.get(maze.name.removeprefix("eval-")) or min(8000, 500 + 120 * len(maze.cells))


def planner_of(
    workspace: Workspace, maze: Maze, *, steps: int | None = None, seed: int = 0, watch: Watch | None = None
) -> Planner:
    """The planner of a maze; where the workspace has none, it is trained now.

    Killed or stopped, the next call goes on from the last checkpoint.
    Raises: Paused, WorkspaceBusy; UserError for a maze with cells that cannot be reached.
    """
    config = {"name": maze.name, "lines": maze.lines, "steps": steps or steps_of(maze)}
    with Run.start(workspace, recipe=f"planner of {maze.name}", config=config, seed=seed, watch=watch) as run:
        cid = run.step(STEP, Deferred(__name__, "train"), config=config).outputs[STEP]
    return load_planner(workspace.store.path(cid))


def train(context: StepContext) -> None:
    """The step: rides of the expert, and a net that learns their windows."""
    maze = Maze(context.config["name"], tuple(context.config["lines"]))
    config = PlannerConfig(steps=context.config["steps"], seed=context.seed)
    rides = generate(maze, context.seed)
    planner = learn(
        maze, rides, spec_of(maze), config, folder=context.checkpoint, tell=context.progress,
        should_stop=context.stop_requested,
    )  # fmt: skip
    save_planner(planner, context.output / STEP)
