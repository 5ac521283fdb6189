"""An adaptation as a step of a workspace: killed, it goes on from its last round; done, it is remembered."""

import json
import time
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any

from bloomery.core.config import to_plain
from bloomery.core.disk import write_atomically
from bloomery.core.evidence import Bar, Check, Evidence, Measured, judge
from bloomery.core.run import Run, Watch
from bloomery.core.step import Paused, StepContext
from bloomery.core.store import Store
from bloomery.core.workspace import Workspace
from bloomery.diffusion.adapting.adapted import Adapted
from bloomery.diffusion.adapting.budget import Budget
from bloomery.diffusion.adapting.hooks import Hook
from bloomery.diffusion.adapting.intervals import Gain
from bloomery.diffusion.adapting.reporting import Report, Round, told
from bloomery.diffusion.adapting.saving import Keeping
from bloomery.diffusion.denoisers.fitting import readable
from bloomery.diffusion.planning.data import generate
from bloomery.diffusion.planning.folder import load_planner, save_planner
from bloomery.diffusion.planning.trained import STEP, planner_cid

from .evolve import Choice, EvolveConfig, evolve
from .trying import try_rewards
from .wanted import Wanted

PLANNER, REPORT, SPENT = "adapted", "report", "seconds.json"


@dataclass(frozen=True)
class Outcome:
    """The adapted planner's name in the store, what happened, and whether that was before."""

    cid: str
    report: Report
    remembered: bool


def adapted(
    workspace: Workspace,
    asked: Wanted,
    budget: Budget,
    *,
    choice: Choice = "self",
    config: EvolveConfig | None = None,
    steps: int | None = None,
    seed: int = 0,
    watch: Watch | None = None,
) -> Outcome:
    """The planner of the task's maze (trained now if the workspace has none), adapted to the task.

    Rewards are asked of data before anything is trained. Killed or stopped, the next call goes on from the
    last round; the time that was spent counts.

    Raises: Paused, WorkspaceBusy; UserError of rewards that are none, constant, slow or wrong.
    """
    config = config or EvolveConfig()
    try_rewards(asked, config.timeout_s, seed)
    base = planner_cid(workspace, asked.maze, steps=steps, seed=seed, watch=watch)
    plain = {"task": asked.plain(), "budget": to_plain(budget), "choice": choice, "config": to_plain(config)}
    recipe, step = f"adaptation to {asked.name}", partial(adapt_step, asked, budget, choice, config)
    with Run.start(workspace, recipe=recipe, config=plain | {"base": base}, seed=seed, watch=watch) as run:
        done = run.step(asked.name, step, config=plain, inputs={"base": base})
    report = json.loads(workspace.store.path(done.outputs[REPORT]).read_text(encoding="utf-8"))
    return Outcome(done.outputs[PLANNER], Report.from_plain(report), done.memoized)


def adapt_step(
    asked: Wanted, budget: Budget, choice: Choice, config: EvolveConfig, context: StepContext
) -> None:
    """The step: rounds until the budget or the patience is at its end; leaves a planner and a report."""
    planner, began = load_planner(context.inputs["base"]), time.monotonic()
    telling = Telling(context, budget, began, _spent(context.checkpoint))
    model, report = evolve(
        planner, generate(planner.maze, context.seed), asked, telling.left(), choice=choice, config=config,
        seed=context.seed, keep=_keeping(context.checkpoint),
        hooks=[telling], metric=telling.metric, should_stop=context.stop_requested,
    )  # fmt: skip
    if report.stopped == "requested":
        raise Paused(f"the adaptation to {asked.name} paused after {len(report.rounds)} rounds")
    save_planner(model, context.output / PLANNER)
    write_atomically(context.output / f"{REPORT}.json", json.dumps(report.to_plain(), indent=1).encode())
    context.kinds[PLANNER] = STEP
    context.facts.update(rounds=len(report.rounds), kept=report.kept)
    for name, gain in (("gain", report.gain), ("over_control", report.over_control)):
        context.evidence(_evidence(f"adaptation.{name}", gain, time.monotonic() - began))


class Telling(Hook):
    """Shows where a run stands, and keeps what time it took."""

    def __init__(self, context: StepContext, budget: Budget, began: float, spent: float) -> None:
        self.context, self.budget, self.began, self.before = context, budget, began, spent
        self.rounds, self.said = 0, ""

    def left(self) -> Budget:
        """The budget, less the time of earlier attempts."""
        if self.budget.seconds is None:
            return self.budget
        return replace(self.budget, seconds=max(0.0, self.budget.seconds - self.before))

    def spent(self) -> float:
        return self.before + time.monotonic() - self.began

    def metric(self, name: str, value: float, step: int) -> None:
        if name.startswith("adapt/"):
            self.context.metric(name, value, step)
        else:
            self._show()

    def on_candidates(self, number: int, made: Any) -> None:
        self._show()

    def on_round(self, round: Round, model: Adapted) -> None:
        self.rounds, self.said = round.number + 1, line_of(round)
        write_atomically(self.context.checkpoint / SPENT, json.dumps(self.spent()).encode())
        self._show()

    def _show(self) -> None:
        seconds = self.budget.seconds
        time_left = "" if seconds is None else f"at most {readable(max(0.0, seconds - self.spent()))} left"
        text = "; ".join(part for part in (self.said, time_left) if part)
        self.context.progress(self.rounds, self.budget.rounds, text)


def line_of(round: Round) -> str:
    """`round 2, hybrid scale=4 ...: kept, gain +0.3 [+0.1, +0.5]`"""
    became = "kept" if round.kept else f"rolled back ({round.reason})"
    gain = "" if round.gain is None else f", gain {told(round.gain)}"
    return f"round {round.number + 1}, {round.named}: {became}{gain}"


def _keeping(checkpoint: Path) -> Keeping:
    return Keeping(Store(checkpoint / "store"), checkpoint / "head.json")


def _spent(checkpoint: Path) -> float:
    """Seconds that earlier attempts took, up to their last round."""
    file = checkpoint / SPENT
    return float(json.loads(file.read_text())) if file.exists() else 0.0


def _evidence(name: str, gain: Gain, duration_s: float) -> Evidence:
    """Passed where the interval is above 0: a gain that chance explains is none."""
    check = Check(name=name, bar=Bar(op=">", value=0), meaning="the lower end of the gain's interval")
    measured = Measured(value=gain.low, interval=(gain.low, gain.high))
    return judge(check, measured, how=f"{__name__}.adapt_step", duration_s=duration_s)
