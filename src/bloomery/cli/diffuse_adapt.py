"""bloomery diffuse adapt: a planner adapts to a task that it never saw."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from bloomery.cli.options import DEFAULT_WORKSPACE, AsJson, WorkspacePath, plain, print_json
from bloomery.cli.tables import print_fields, print_table, say
from bloomery.cli.wording import number

if TYPE_CHECKING:
    from collections.abc import Mapping

    from bloomery.diffusion.adapting.budget import Budget
    from bloomery.diffusion.adapting.intervals import Gain
    from bloomery.diffusion.adapting.reporting import Report, Round
    from bloomery.diffusion.planning.evolving.kept import Outcome
    from bloomery.diffusion.planning.evolving.wanted import Wanted

Task = Annotated[
    str,
    typer.Argument(
        help="A maze (a name, or a file drawn with # O G), a task file (.toml), or coins-umaze, ..."
    ),
]
Function = typer.Option(metavar="FILE:FUNCTION")
Strategy = Annotated[
    Literal["gradient", "memory", "hybrid", "self"],
    typer.Option(help="How candidates are made and learned of; self: chosen each round by measured gain."),
]
UNITS = {"s": 1, "m": 60, "h": 3600}
PASSES = 10**9  # as good as none, where the budget is a time


def adapt(
    task: Task,
    reward: Annotated[str, Function] = "",
    judge: Annotated[str, Function] = "",
    budget: Annotated[
        str, typer.Option(help="A time (90s, 10m, 1h) or a number of passes through the net (2000000).")
    ] = "10m",
    maze: Annotated[str, typer.Option(help="Another maze than the task's.")] = "",
    strategy: Strategy = "self",
    rounds: Annotated[int, typer.Option(help="Rounds at most.", min=1)] = 8,
    reward_timeout: Annotated[float, typer.Option(help="Seconds that one answer may take.", min=0.01)] = 60.0,
    steps: Annotated[
        int | None, typer.Option(help="Of training the planner first. Default: by the maze's size.", min=1)
    ] = None,
    plot: Annotated[Path | None, typer.Option(help="Draw gains, rewards, buffer, strategies (PNG).")] = None,
    seed: Annotated[int, typer.Option(min=0)] = 0,
    workspace: WorkspacePath = DEFAULT_WORKSPACE,
    as_json: AsJson = False,
) -> int:
    """Adapt a planner to TASK by what it plans itself, and keep only what measurably helped.

    The reward is a function of yours: it gets states (plans x steps x 4, a torch tensor: row, column and
    their speeds, a step each 10 ms) and returns a number for each plan. It selects among plans; another one
    judges what a ball does that is driven along them: --judge, or else the same function of the driven runs.
    The budget begins when the maze's planner is there (it is trained once). Stopped or killed, the same
    command goes on. `bloomery diffuse plan --planner` uses the result. Exit code 1 where nothing was kept.
    """
    from bloomery.cli.progress import watching
    from bloomery.core.log import set_level
    from bloomery.core.workspace import Workspace
    from bloomery.diffusion.planning.evolving.evolve import EvolveConfig
    from bloomery.diffusion.planning.evolving.kept import adapted
    from bloomery.diffusion.planning.evolving.wanted import wanted
    from bloomery.diffusion.planning.trained import STEP

    asked, limit = wanted(task, reward=reward, judge=judge, maze=maze), _budget(budget, rounds)
    set_level("warning")
    with watching({STEP: 1, asked.name: 2}) as watch:
        outcome = adapted(
            Workspace.open(workspace), asked, limit, choice=strategy, steps=steps, seed=seed, watch=watch,
            config=EvolveConfig(timeout_s=reward_timeout),
        )  # fmt: skip
    if plot is not None:
        _draw(outcome.report, plot)
    if as_json:
        print_json({"task": asked.plain(), "judged by": judged_by(asked), "planner": outcome.cid}
                   | plain(outcome.report) | {"plot": plot})  # fmt: skip
    else:
        _show(asked, outcome, plot)
    return 0 if outcome.report.kept else 1


def _budget(text: str, rounds: int) -> "Budget":
    """Raises: UserError for what is neither a time nor a number of passes."""
    from bloomery.core.errors import UserError
    from bloomery.diffusion.adapting.budget import Budget

    amount, unit = (text[:-1], text[-1]) if text[-1:] in UNITS else (text, "")
    try:
        value = float(amount.replace("_", "").replace(",", ""))
    except ValueError:
        value = -1.0
    if not 0 < value < PASSES or (not unit and value != int(value)):
        raise UserError(f"--budget is a time such as 90s, 10m or 1h, or a number of passes; got '{text}'")
    if unit:
        return Budget(passes=PASSES, rounds=rounds, seconds=value * UNITS[unit])
    return Budget(passes=int(value), rounds=rounds)


def judged_by(asked: "Wanted") -> str:
    """In words, what says whether a round is kept."""
    if asked.judge is not None:
        return f"{asked.judge.place}, of driven runs"
    if asked.reward is not None:
        return f"{asked.reward.place} itself, of driven runs (not of plans); --judge names another"
    return "how near to the coin the driven ball came (100 at it, 0 from 0.3 cells on)"


def _draw(report: "Report", path: Path) -> None:
    from bloomery.diffusion.adapting.drawing import draw_rounds

    path.parent.mkdir(parents=True, exist_ok=True)
    draw_rounds(report, path)


def _show(asked: "Wanted", outcome: "Outcome", plot: Path | None) -> None:
    report = outcome.report
    rows = [_row(round) for round in report.rounds]
    columns = ["round", "strategy", "gain", "kept", "arriving", "fit", "found"]
    print_table(columns, rows, title=f"{asked.name} in {asked.maze.name}", empty="no round was made")
    say()
    lost = [f"{name} {told(one.change)}" for name, one in report.old.items()]
    print_fields([
        ("judged by", judged_by(asked)),
        ("ended", report.stopped),
        ("before, after", f"{_mean(report.base)}, {_mean(report.adapted)}"),
        ("gain", told(report.gain)),
        ("over as many steps on data alone", told(report.over_control)),
        ("change of old tasks", "; ".join(lost)),
        ("passes", report.spent.total),
        ("planner", outcome.cid),
        ("plot", plot),
    ])  # fmt: skip
    if report.kept:
        say(f"\nuse it: bloomery diffuse plan --planner {outcome.cid[:20]}")
        if report.over_control.low <= 0:
            say("not shown to be better than as many steps on data alone: that interval holds 0")
    else:
        say("\nno round was kept: the planner is as it was")


def told(gain: "Gain") -> str:
    mean, low, high = (0.0 if abs(one) < 1e-9 else one for one in (gain.mean, gain.low, gain.high))
    return f"{mean:+.3g} [{low:+.3g}, {high:+.3g}]"


def _row(round: "Round") -> list[object]:
    change = [one.change.mean for one in round.forgetting.values()]
    return [
        round.number + 1, round.named, "" if round.gain is None else told(round.gain),
        "yes" if round.kept else f"no: {round.reason}", *(f"{one:+.3g}" for one in change or []),
        *([] if change else [""]), f"{round.fit:.0%}", round.new,
    ]  # fmt: skip


def _mean(values: "Mapping[str, float]") -> str:
    found = list(values.values())
    return number(sum(found) / len(found))
