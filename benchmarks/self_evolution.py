"""Self-evolution against as many steps on real data: a planner adapts to coins that no data was made for.

    python -m benchmarks.self_evolution --json out.json --folder .benchmarks/self_evolution

A planner a seed learns umaze from the expert's rides (`benchmarks.maze2d`). Then it adapts to a coin, as
AdaptDiffuser does (arXiv 2302.01877): plans guided by the distance to the coin, a discriminator, fine-tuning
on what it let through beside real data, and again. The judge is another reward: TDP's score of the coin, of
runs driven along unguided plans, on ways (start and goal) that were not learned. **The control goes the same
number of steps, at the same rates, on real data only.** Each strategy has the same budget of passes, rounds,
ways and noise: gradient (weights), memory (none), hybrid, and self (a bandit chooses).

A round is kept only if its gain's interval, at 5 % over all rounds, is above 0 and arriving, on any way, was
not forgotten. What was measured is kept in --folder; an interrupted run goes on from there.
"""

import argparse
import json
import os
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, get_args

os.environ.setdefault("OMP_NUM_THREADS", "1")

import matplotlib
import numpy as np
import torch
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure

from bloomery.core.disk import write_atomically
from bloomery.core.store import Store
from bloomery.diffusion.adapting.budget import Budget
from bloomery.diffusion.adapting.reporting import Report, told
from bloomery.diffusion.adapting.saving import Keeping
from bloomery.diffusion.drawing.stills import FONT, GUESS, POINT
from bloomery.diffusion.planning.data import generate
from bloomery.diffusion.planning.evolving.evolve import Choice, evolve
from bloomery.diffusion.planning.evolving.wanted import Wanted, wanted
from bloomery.diffusion.planning.folder import load_planner, save_planner
from bloomery.diffusion.planning.learning import PlannerConfig, learn
from bloomery.diffusion.planning.planner import Planner
from bloomery.diffusion.planning.scores import mean_and_half
from bloomery.diffusion.planning.trained import spec_of, steps_of

CHOICES: tuple[Choice, ...] = get_args(Choice)
TASK, SEEDS, PASSES, ROUNDS = "coins-umaze", 3, 400_000, 8


def planner_of(asked: Wanted, seed: int, folder: Path, steps: int) -> tuple[Planner, float]:
    """The planner of a seed, from its folder where it is there, and the processor seconds that it took."""
    place, known = folder / f"planner-{steps}-{seed}", folder / f"planner-{steps}-{seed}.json"
    if not known.exists():
        begun, rides = time.process_time(), generate(asked.maze, seed)
        config = PlannerConfig(steps=steps, seed=seed)
        planner = learn(asked.maze, rides, spec_of(asked.maze), config, folder=folder / f"checkpoints-{seed}")
        save_planner(planner, place)
        write_atomically(known, json.dumps(time.process_time() - begun).encode())
    return load_planner(place), float(json.loads(known.read_text()))


def measured(
    asked: Wanted, choice: Choice, seed: int, folder: Path, steps: int, budget: Budget
) -> dict[str, Any]:
    """What one strategy made of the planner of a seed."""
    planner, _ = planner_of(asked, seed, folder, steps)
    begun, rides = time.process_time(), generate(asked.maze, seed)
    keep = Keeping(Store(folder / f"store-{choice}-{seed}"), folder / f"head-{choice}-{seed}.json")
    report = evolve(planner, rides, asked, budget, choice=choice, seed=seed, keep=keep)[1]
    return report.to_plain() | {"processor_s": time.process_time() - begun}


def kept(path: Path, measure: Callable[[], dict[str, Any]]) -> dict[str, Any]:
    if not path.exists():
        write_atomically(path, json.dumps(measure()).encode())
    return dict(json.loads(path.read_text()))


def report_of(found: Mapping[str, Any]) -> Report:
    return Report.from_plain({name: value for name, value in found.items() if name != "processor_s"})


def mean(values: Mapping[str, float]) -> float:
    return float(np.mean(list(values.values())))


def line(one: Report) -> str:
    return (
        f"{mean(one.base):.1f} -> {mean(one.adapted):.1f}, control {mean(one.control):.1f}, over it"
        f" {told(one.over_control)}, kept {one.kept}/{len(one.rounds)},"
        f" arriving {one.old['arriving'].change.mean:+.3f}"
    )


def row(choice: str, reports: Sequence[Report]) -> dict[str, Any]:
    """One strategy over the seeds; it wins where its gain over the control is above 0 in each seed."""
    over, half = mean_and_half([one.over_control.mean for one in reports])
    each = "; ".join(f"seed {seed}: {line(one)}" for seed, one in enumerate(reports))
    return {
        "what": f"{choice}: coin score over as many steps on real data", "ours": over, "peer": 0.0,
        "ratio": None, "unit": "score", "bar": "interval above 0 in each seed", "higher_is_better": True,
        "met": all(one.over_control.low > 0 for one in reports), "note": f"± {half:.1f} over seeds; {each}",
    }  # fmt: skip


def draw(found: Mapping[str, Sequence[Report]], path: Path, task: str) -> None:
    """Base, control and adapted of each seed, by strategy; and the gain of each round, full where kept."""
    with matplotlib.rc_context(FONT):
        figure = Figure(figsize=(10, 3.6), layout="constrained")
        FigureCanvasAgg(figure)
        levels, rounds = figure.subplots(1, 2, width_ratios=[3, 2])
        for place, (choice, reports) in enumerate(found.items()):
            for seed, one in enumerate(reports):
                x = place + 0.25 * (seed - (len(reports) - 1) / 2)
                for values, mark, colour in (
                    (one.base, "_", "black"), (one.control, "s", GUESS), (one.adapted, "o", POINT)
                ):  # fmt: skip
                    levels.plot(x, mean(values), mark, color=colour, markersize=6)
            gains = [[r.gain.mean if r.gain else np.nan for r in one.rounds] for one in reports]
            for one, line in zip(reports, gains, strict=True):
                numbers = np.arange(len(line)) + 0.06 * place
                (drawn,) = rounds.plot(numbers, line, linewidth=0.8, color=f"C{place}")
                faces = [drawn.get_color() if r.kept else "white" for r in one.rounds]
                rounds.scatter(numbers, line, c=faces, edgecolors=drawn.get_color(), s=18, zorder=3)
            rounds.plot([], [], color=f"C{place}", label=choice)
        levels.set(xticks=range(len(found)), xticklabels=list(found), ylabel="coin score, other ways")
        levels.set_title(f"{task}: base (line), as many steps on data (square), adapted (dot); a seed each")
        rounds.axhline(0, color="black", linewidth=0.5)
        rounds.set(title="gain of a round (full: kept)", xlabel="round")
        rounds.legend(frameon=False, fontsize=7)
        figure.savefig(path, dpi=110, metadata={"Software": None})


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--json", type=Path, help="write what was measured here")
    parser.add_argument("--folder", type=Path, default=Path(".benchmarks/self_evolution"))
    parser.add_argument("--task", default=TASK, help="a task with a coin, by name or file")
    parser.add_argument("--seeds", type=int, default=SEEDS)
    parser.add_argument("--passes", type=int, default=PASSES, help="budget of each strategy")
    parser.add_argument("--rounds", type=int, default=ROUNDS)
    parser.add_argument("--steps", type=int, help="of training each planner")
    parser.add_argument("--strategies", nargs="+", default=list(CHOICES), choices=CHOICES)
    parser.add_argument("--plot", type=Path, help="draw it here")
    options = parser.parse_args()
    torch.set_num_threads(1)
    options.folder.mkdir(parents=True, exist_ok=True)
    asked, begun = wanted(options.task), time.monotonic()
    steps = options.steps or steps_of(asked.maze)
    budget = Budget(passes=options.passes, rounds=options.rounds, patience=options.rounds)
    found: dict[str, list[Report]] = {choice: [] for choice in options.strategies}
    spent: list[float] = []
    for seed in range(options.seeds):
        for choice in options.strategies:
            part = options.folder / f"{asked.name}-{choice}-{seed}.json"
            one = kept(part, lambda s=seed, c=choice: measured(asked, c, s, options.folder, steps, budget))
            spent.append(one["processor_s"])
            found[choice].append(report_of(one))
            print(f"seed {seed} {choice}: {line(found[choice][-1])}", flush=True)
    rows = [row(choice, reports) for choice, reports in found.items()]
    for one in rows:
        print(f"{one['what']}: {one['ours']:+.3g} ({one['bar']}: {one['met']}); {one['note']}")
    if options.plot:
        draw(found, options.plot, asked.name)
    if options.json:
        trained = [planner_of(asked, seed, options.folder, steps)[1] for seed in range(options.seeds)]
        result = {
            "name": "self_evolution", "command": "python -m benchmarks.self_evolution", "rows": rows,
            "seconds": time.monotonic() - begun, "processor_s": {"training": trained, "adapting": spent},
        }  # fmt: skip
        options.json.write_text(json.dumps(result, indent=1))


if __name__ == "__main__":
    main()
