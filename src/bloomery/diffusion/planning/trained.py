"""A maze's planner, trained once in a workspace and remembered there."""

from collections.abc import Mapping
from pathlib import Path

from bloomery.core.closure import Deferred
from bloomery.core.errors import UnknownName, UserError
from bloomery.core.run import Run, Watch
from bloomery.core.step import StepContext
from bloomery.core.workspace import Workspace

from .data import generate
from .folder import load_planner, save_planner
from .learning import PlannerConfig, learn
from .mazes import Maze
from .planner import Planner
from .windows import Spec

STEP = "planner"  # also the kind of artifact
SHORTEST = 10  # letters that name a CID by its beginning
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
    cid = planner_cid(workspace, maze, steps=steps, seed=seed, watch=watch)
    return load_planner(workspace.store.path(cid))


def planner_cid(
    workspace: Workspace, maze: Maze, *, steps: int | None = None, seed: int = 0, watch: Watch | None = None
) -> str:
    """The same, as it lies in the store."""
    config = {"name": maze.name, "lines": maze.lines, "steps": steps or steps_of(maze)}
    with Run.start(workspace, recipe=f"planner of {maze.name}", config=config, seed=seed, watch=watch) as run:
        return run.step(STEP, Deferred(__name__, "train"), config=config).outputs[STEP]


def kept_planner(workspace: Workspace, name: str) -> Planner:
    """A planner by its folder, its CID or the beginning of one, or by the task it adapted to (the newest).

    Raises: UnknownName; UserError where the beginning of a CID fits several; DamagedArtifact.
    """
    if Path(name).is_dir():
        return load_planner(Path(name))
    known = workspace.catalog.artifacts(STEP)
    by_name = {str(one.step): one.cid for one in known} | {one.cid: one.cid for one in known}
    fitting = {one.cid for one in known if len(name) >= SHORTEST and one.cid.startswith(name)}
    if name not in by_name and len(fitting) != 1:
        if fitting:
            raise UserError(f"'{name}' begins {len(fitting)} CIDs; write more of it")
        raise UnknownName("planner", name, {str(one.step) for one in known})
    return load_planner(workspace.artifact(by_name[name] if name in by_name else fitting.pop()))


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
