"""What a planner's net is worth: the window net, a temporal U-Net and a transformer, on the same data.

    python -m benchmarks.planner_nets --json out.json --folder .benchmarks/planner_nets

Each is trained on the same rides of umaze (or --maze) for about the same processor time: steps and batches
were set by that alone, sizes and rates were not tuned. Judged as `benchmarks.maze2d` judges: D4RL's
score of one plan, and of new plans every 100 steps, on the same 500 starts. What was trained and measured is
kept in --folder.
"""

import argparse
import json
import os
import time
from pathlib import Path
from typing import Any, get_args

os.environ.setdefault("OMP_NUM_THREADS", "1")

import torch

from benchmarks.maze2d import EPISODES, EVERY, EXAM_SEED, described, exam, kept, told
from bloomery.core.disk import write_atomically
from bloomery.diffusion.planning.data import generate
from bloomery.diffusion.planning.driving import open_loop, replanned
from bloomery.diffusion.planning.folder import load_planner, save_planner
from bloomery.diffusion.planning.learning import PlannerConfig, learn
from bloomery.diffusion.planning.mazes import named
from bloomery.diffusion.planning.nets import NetKind
from bloomery.diffusion.planning.planner import Planner
from bloomery.diffusion.planning.scores import protocol
from bloomery.diffusion.planning.trained import SPECS

RECIPES = {
    "window": {"steps": 1500},
    "unet": {"steps": 900, "batch": 64, "rate": 1e-3, "precision": "fp32"},
    "transformer": {"steps": 600, "batch": 64, "rate": 1e-3, "precision": "fp32"},
}


def trained(kind: NetKind, maze: str, folder: Path, seed: int) -> tuple[Planner, dict[str, Any]]:
    place, known = folder / f"{maze}-{kind}-{seed}", folder / f"{maze}-{kind}-{seed}.json"
    if not known.exists():
        rides, begun = generate(named(maze), seed), time.process_time()
        config = PlannerConfig(net=kind, seed=seed, **RECIPES[kind])
        planner = learn(named(maze), rides, SPECS[maze], config, folder=folder / f"checkpoints-{maze}-{kind}")
        parameters = sum(one.numel() for one in planner.net.parameters())
        save_planner(planner, place)
        facts = {"train_s": time.process_time() - begun, "parameters": parameters, **RECIPES[kind]}
        write_atomically(known, json.dumps(facts).encode())
    return load_planner(place), json.loads(known.read_text())


def measured(planner: Planner, episodes: int) -> dict[str, Any]:
    """Both scores, and the processor time of a plan."""
    given, steps = exam(planner.maze, "single", episodes, EXAM_SEED), protocol(planner.maze.name).steps
    begun = time.process_time()
    once = open_loop(planner, *given, steps, torch.Generator().manual_seed(EXAM_SEED))
    took = (time.process_time() - begun) / episodes
    again = replanned(planner, *given, steps, torch.Generator().manual_seed(EXAM_SEED), every=EVERY)
    goals = given[1]
    scores = {name: told(planner.maze.name, runs, goals) for name, runs in (("once", once), ("again", again))}
    return scores | {"plan_ms": 1e3 * took}


def row(kind: str, maze: str, facts: dict[str, Any], found: dict[str, Any], line: float) -> dict[str, Any]:
    return {
        "what": f"{maze}, {kind}: D4RL score, open loop", "ours": found["once"]["score"], "peer": line,
        "ratio": found["once"]["score"] / line, "unit": "score", "bar": "printed; peer: the window net",
        "higher_is_better": True, "met": None,
        "note": f"{described(found['once'])}; a new plan every {EVERY} steps {described(found['again'])};"
        f" {facts['parameters']:,} parameters, {facts['steps']} steps in {facts['train_s']:.0f} s,"
        f" {found['plan_ms']:.1f} ms a plan and its run",
    }  # fmt: skip


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--json", type=Path, help="write what was measured here")
    parser.add_argument("--folder", type=Path, default=Path(".benchmarks/planner_nets"))
    parser.add_argument("--net", nargs="+", default=list(get_args(NetKind)), choices=get_args(NetKind))
    parser.add_argument("--maze", default="umaze", choices=list(SPECS))
    parser.add_argument("--episodes", type=int, default=EPISODES)
    parser.add_argument("--seed", type=int, default=0)
    options = parser.parse_args()
    torch.set_num_threads(1)
    options.folder.mkdir(parents=True, exist_ok=True)
    begun, rows, line = time.monotonic(), [], None
    for kind in options.net:
        planner, facts = trained(kind, options.maze, options.folder, options.seed)
        part = options.folder / f"{options.maze}-{kind}-{options.seed}-{options.episodes}.json"
        found = kept(part, lambda one=planner: measured(one, options.episodes))
        line = found["once"]["score"] if line is None else line
        rows.append(row(kind, options.maze, facts, found, line))
        print(f"{rows[-1]['what']}: {rows[-1]['ours']:.1f}; {rows[-1]['note']}", flush=True)
    if options.json:
        result = {"name": "planner_nets", "command": "python -m benchmarks.planner_nets", "rows": rows,
                  "seconds": time.monotonic() - begun}  # fmt: skip
        options.json.write_text(json.dumps(result, indent=1))


if __name__ == "__main__":
    main()
