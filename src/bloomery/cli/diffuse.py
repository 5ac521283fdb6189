"""bloomery diffuse: plans and code by diffusion."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from bloomery.cli.diffuse_adapt import adapt
from bloomery.cli.diffuse_fill import fill
from bloomery.cli.diffuse_train import train
from bloomery.cli.diffuse_write import write
from bloomery.cli.options import DEFAULT_WORKSPACE, AsJson, WorkspacePath, print_json
from bloomery.cli.tables import print_fields, say

if TYPE_CHECKING:
    from bloomery.diffusion.planning.agent import Advice
    from bloomery.diffusion.planning.mazes import Cell, Maze

app = typer.Typer(help="Plans and code by diffusion.", no_args_is_help=True)
MazeName = Annotated[
    str, typer.Option("--maze", help="umaze, medium, large, open, eval-..., or a file drawn with # O and G.")
]
Place = typer.Option(metavar="ROW,COLUMN", help="A free cell, counted from 0.")


@app.callback()
def about() -> None:
    """Trajectories through mazes, and programs: planned, adapted, written, filled in by diffusion models."""


app.command()(adapt)
app.command()(fill)
app.command()(train)
app.command()(write)


@app.command()
def plan(
    maze: MazeName = "umaze",
    start: Annotated[str, Place] = "",
    goal: Annotated[str, Place] = "",
    render: Annotated[Path | None, typer.Option(help="Draw the candidates and the run there (PNG).")] = None,
    candidates: Annotated[int, typer.Option(help="Plans that compete in the simulator.", min=1)] = 16,
    steps: Annotated[
        int | None, typer.Option(help="Of training. Default: by the maze's size.", min=1)
    ] = None,
    seed: Annotated[int, typer.Option(help="Equal seeds give equal plans.", min=0)] = 0,
    planner: Annotated[
        str, typer.Option(help="One that `diffuse adapt` made, in its maze: its task, CID or folder.")
    ] = "",
    workspace: WorkspacePath = DEFAULT_WORKSPACE,
    as_json: AsJson = False,
) -> int:
    """Plan a way from START to GOAL and drive it in the simulator.

    The first plan in a maze trains its planner (some minutes on one core); the workspace keeps it. Stopped or
    killed, the same command goes on. Exit code 1 where the run does not arrive, or the question is unlike
    what the planner learned from.
    """
    from bloomery.cli.progress import watching
    from bloomery.core.log import set_level
    from bloomery.core.workspace import Workspace
    from bloomery.diffusion.planning.agent import plan as advise
    from bloomery.diffusion.planning.trained import STEP, kept_planner, planner_of

    space = Workspace.open(workspace)
    own = kept_planner(space, planner) if planner else None
    drawn = own.maze if own else _maze(maze)
    begin = _cell(drawn, start, "start") if start else drawn.cells[0]
    end = _cell(drawn, goal, "goal") if goal else drawn.goal
    set_level("warning")
    if own is None:
        with watching({STEP: 1}) as watch:
            own = planner_of(space, drawn, steps=steps, seed=seed, watch=watch)
    advice = advise(own, begin, end, count=candidates, seed=seed)
    if render is not None:
        _render(drawn, advice, end, render)
    _show(drawn, (begin, end), advice, render, as_json=as_json)
    return 0 if advice.reliable else 1


def _maze(name: str) -> "Maze":
    from bloomery.diffusion.planning.mazes import named, parsed

    path = Path(name)
    return parsed(path.read_text(encoding="utf-8"), path.stem) if path.is_file() else named(name)


def _cell(maze: "Maze", text: str, what: str) -> "Cell":
    """Raises: UserError for what is no free cell of the maze."""
    from bloomery.core.errors import UserError
    from bloomery.diffusion.planning.mazes import checked_cell

    try:
        cell = [int(part) for part in text.split(",")]
    except ValueError:
        cell = []
    if len(cell) != 2:
        raise UserError(f"--{what} is ROW,COLUMN of whole numbers, such as 1,1; got '{text}'")
    return checked_cell(maze, cell, what)


def _render(maze: "Maze", advice: "Advice", goal: "Cell", path: Path) -> None:
    import numpy as np

    from bloomery.diffusion.planning.drawing import draw

    path.parent.mkdir(parents=True, exist_ok=True)
    title = f"{maze.name}: {advice.confidence:.0%} of the candidates arrive"
    draw(maze, path, plans=advice.candidates.states, run=advice.states, goal=np.array(goal), title=title)


def _show(
    maze: "Maze", asked: tuple["Cell", "Cell"], advice: "Advice", render: Path | None, *, as_json: bool
) -> None:
    told = {
        "maze": maze.name,
        "start": list(asked[0]),
        "goal": list(asked[1]),
        "reliable": advice.reliable,
        "confidence": advice.confidence,
        "steps near the goal": advice.worth,
        "strange": list(advice.strange),
        "render": str(render) if render else None,
    }
    if as_json:
        print_json(told | {"actions": advice.actions.tolist(), "states": advice.states.tolist()})
        return
    print_fields([(key, _words(value)) for key, value in told.items() if value not in (None, [])])
    if not advice.reliable:
        say("not to be relied on: fewer than half of the candidates arrive, or the question is strange")


def _words(value: object) -> str:
    return ",".join(map(str, value)) if isinstance(value, list) else f"{value}"
