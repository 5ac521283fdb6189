"""Plans through maze2d by a diffusion planner, beside the way-point expert, and coins that nobody has seen.

    python -m benchmarks.maze2d --json out.json --folder .benchmarks/maze2d

A planner a maze learns from 205,000 transitions of the expert between random goals. It is judged on the same
500 starts in every arm, on which no choice was made (choices were made on seed 77): one plan driven open loop
by a PD law or by the actions that it predicts itself, with new plans on the way, and the best of 16 plans by
the simulator. D4RL's score is 100 (R - low) / (high - low) of the steps R near the goal; the re-initialised
expert's score on the same starts stands beside. `single` has the maze's goal, `multi` a random one.

What was trained and measured is kept in --folder; a run that was interrupted goes on from there.
"""

import argparse
import json
import os
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

os.environ.setdefault("OMP_NUM_THREADS", "1")

import numpy as np
import torch

from bloomery.core.disk import write_atomically
from bloomery.diffusion.planning import gold
from bloomery.diffusion.planning.controller import drive, set_out
from bloomery.diffusion.planning.data import TRANSITIONS, generate, random_starts, rest_at
from bloomery.diffusion.planning.drawing import draw_side_by_side
from bloomery.diffusion.planning.driving import best_of, open_loop, replanned
from bloomery.diffusion.planning.folder import load_planner, save_planner
from bloomery.diffusion.planning.judging import judge
from bloomery.diffusion.planning.learning import PlannerConfig, learn
from bloomery.diffusion.planning.legs import best_legs
from bloomery.diffusion.planning.mazes import Floats, Maze, named
from bloomery.diffusion.planning.planner import Planner
from bloomery.diffusion.planning.scores import first_reach, mean_and_half, normalised, protocol, rewards
from bloomery.diffusion.planning.simulator import advance
from bloomery.diffusion.planning.tracking import Plans, follow
from bloomery.diffusion.planning.trained import SPECS, STEPS

EPISODES, EXAM_SEED, COUNT, EVERY = 500, 2026, 16, 100
BARS = {
    "open loop": {"umaze": 130, "medium": 105, "large": 100},
    "replanned": {"umaze": 130, "medium": 125, "large": 130},
    "best of 16": {"medium": 145, "large": 150},
}
COIN_SEEDS, COIN_COUNT, COIN_SCALE = range(5), 16, 10.0
COIN_ARMS = ("unguided", "guided", "guided, best of 16", "legs, best of 16")
Exam = tuple[Floats, Floats]  # starts (B, 4), goals (B, 2)


def exam(maze: Maze, kind: str, count: int, seed: int) -> Exam:
    """As maze2d resets; `multi` goals are drawn in the same way."""
    rng = np.random.default_rng((seed, kind == "multi"))
    starts = random_starts(maze, count, rng)
    if kind == "single":
        return starts, np.tile(np.array(maze.goal, dtype=float), (count, 1))
    return starts, random_starts(maze, count, rng)[:, :2]


def told(maze: str, states: Floats, goals: Floats) -> dict[str, Any]:
    near = rewards(states[..., :2], goals)
    mean, half = mean_and_half(normalised(near.sum(axis=1).astype(float), maze))
    first = first_reach(near)
    return {
        "score": mean, "half": half, "reach": float(near.any(axis=1).mean()),
        "first": float(np.nanmean(first)) if near.any() else None, "episodes": len(goals),
    }  # fmt: skip


def expert(maze: Maze, given: Exam, steps: int) -> Floats:
    """The way-point controller's run to each goal's cell. Shapes: -> (B, steps, 4)"""
    rng, (state, goals) = np.random.default_rng(0), given
    cells = np.round(goals).astype(int)
    walk, seen = set_out(maze, state[:, :2], maze.numbers[cells[:, 0], cells[:, 1]], rng), []
    for _ in range(steps):
        state = advance(maze, state, drive(walk, state, rng)[0])
        seen.append(state)
    return np.stack(seen, axis=1)


def straight(maze: Maze, given: Exam, steps: int) -> Floats:
    """The control without a plan: the same PD law straight to the goal, along the walls in its way."""
    plan = np.repeat(rest_at(given[1])[:, None], 2, axis=1)
    return follow(maze, Plans(plan, np.zeros((len(plan), 2, 2)), 1), given[0], steps).states


def trained(name: str, folder: Path, steps: int, seed: int) -> tuple[Planner, dict[str, Any]]:
    """The planner of a maze, from its folder where it is there."""
    place, known = folder / f"{name}-{steps}-{seed}", folder / f"{name}-{steps}-{seed}.json"
    if known.exists():
        return load_planner(place), json.loads(known.read_text())
    maze, begun = named(name), time.process_time()
    rides = generate(maze, seed)
    took = time.process_time() - begun
    config = PlannerConfig(steps=steps, seed=seed)
    planner = learn(maze, rides, SPECS[name], config, folder=folder / f"checkpoints-{name}-{steps}-{seed}")
    facts = {
        "data_s": took, "train_s": time.process_time() - begun - took, "steps": steps,
        "parameters": sum(one.numel() for one in planner.net.parameters()),
    }  # fmt: skip
    save_planner(planner, place)
    write_atomically(known, json.dumps(facts).encode())
    return planner, facts


def kept(path: Path, measure: Callable[[], dict[str, Any]]) -> dict[str, Any]:
    """What was measured, from the file where it is there."""
    if not path.exists():
        write_atomically(path, json.dumps(measure()).encode())
        print(f"{path.stem}: {path.read_text()}", flush=True)
    return dict(json.loads(path.read_text()))


def arms(planner: Planner, kind: str, episodes: int, seed: int) -> dict[str, Callable[[], dict[str, Any]]]:
    """Each arm on the same starts, by name."""
    name, given = planner.maze.name, exam(planner.maze, kind, episodes, seed)
    steps = protocol(name).steps

    def arm(make: Callable[[torch.Generator], Floats]) -> Callable[[], dict[str, Any]]:
        return lambda: told(name, make(torch.Generator().manual_seed(seed)), given[1])

    many = {
        "expert": arm(lambda generator: expert(planner.maze, given, steps)),
        "no plan": arm(lambda generator: straight(planner.maze, given, steps)),
        "open loop": arm(lambda generator: open_loop(planner, *given, steps, generator)),
        "replanned": arm(lambda generator: replanned(planner, *given, steps, generator, every=EVERY)),
    }
    if kind == "multi":
        return many
    return many | {
        "best of 16": arm(lambda generator: best_of(planner, *given, steps, generator, count=COUNT)[1]),
        "actions": arm(lambda generator: open_loop(planner, *given, steps, generator, "actions")),
        "actions, replanned": arm(
            lambda generator: replanned(planner, *given, steps, generator, every=EVERY // 5, mode="actions")
        ),
        "plans": lambda: judged(planner, given, seed),
    }


def judged(planner: Planner, given: Exam, seed: int) -> dict[str, Any]:
    """What the discriminator says of the plans, and how many steps they take to their goal."""
    plans = planner.plans(*given, torch.Generator().manual_seed(seed))
    verdict = judge(planner.maze, plans, given[1])
    arrives = rewards(plans.states[..., :2], given[1]).argmax(axis=1) * plans.stride
    return {"accepted": float(verdict.accepted.mean()), "possible": float(verdict.possible.mean()),
            "span": float(arrives.mean())}  # fmt: skip


def coins(planner: Planner, kind: gold.Kind, seeds: range) -> dict[str, Any]:
    """Scores of the 20 coins at each seed, by arm; each arm on the same starts."""
    steps, found = protocol(planner.maze.name).steps, {arm: [] for arm in COIN_ARMS}
    for seed in seeds:
        asked = gold.tasks(planner.maze, kind, seed)
        for arm, states in coin_runs(planner, asked, steps, seed).items():
            found[arm] += gold.coin_scores(states[..., :2], asked).tolist()
    return {arm: mean_and_half(scores) for arm, scores in found.items()}


def coin_runs(planner: Planner, asked: gold.Tasks, steps: int, seed: int) -> dict[str, Floats]:
    def fresh() -> torch.Generator:
        return torch.Generator().manual_seed(seed)

    best = {"steps": steps, "count": COIN_COUNT, "scale": COIN_SCALE}
    return {
        "unguided": gold.one_plan(planner, asked, fresh(), steps=steps, scale=0.0),
        "guided": gold.one_plan(planner, asked, fresh(), steps=steps, scale=COIN_SCALE),
        "guided, best of 16": gold.best_plan(planner, asked, fresh(), **best),
        "legs, best of 16": best_legs(planner, asked, fresh(), **best),
    }


def speed(balls: int = 4096, steps: int = 100) -> float:
    """Simulated steps a second of one thread, all balls together."""
    maze, rng = named("large"), np.random.default_rng(0)
    state, action = random_starts(maze, balls, rng), rng.uniform(-1, 1, (balls, 2))
    begun = time.process_time()
    for _ in range(steps):
        state = advance(maze, state, action)
    return balls * steps / (time.process_time() - begun)


def rows(found: Mapping[str, Mapping[str, Any]], steps_a_second: float) -> list[dict[str, Any]]:
    told_rows = [
        {"what": "point mass, steps a second in batches of 4096", "ours": steps_a_second, "peer": None,
         "ratio": None, "unit": "steps/s", "bar": ">= 100,000", "higher_is_better": True,
         "met": steps_a_second >= 100_000, "note": "large maze, one thread, processor time"},
    ]  # fmt: skip
    for maze, one in found.items():
        told_rows += [score_row(maze, arm, one) for arm in BARS] + [actions_row(maze, one)]
    for maze, one in found.items():
        told_rows += [
            coin_row(maze, kind, one[f"coins {kind}"])
            for kind in ("single", "multi")
            if f"coins {kind}" in one
        ]
    return told_rows


def score_row(maze: str, arm: str, one: Mapping[str, Any]) -> dict[str, Any]:
    ours, line, bar = one[f"single {arm}"], one["single expert"], BARS[arm].get(maze)
    note = [f"{described(ours)}; expert {described(line)}"]
    if arm == "open loop":
        note.append(f"without a plan {described(one['single no plan'])}")
    if f"multi {arm}" in one:
        note.append(
            f"random goals: {described(one[f'multi {arm}'])}, expert {described(one['multi expert'])}"
        )
    if arm == "open loop":
        plans, facts = one["single plans"], one["trained"]
        note.append(
            f"plans take {plans['span']:.0f} steps; the discriminator accepts {plans['accepted']:.0%};"
            f" {facts['steps']} steps, {facts['train_s']:.0f} s of one core,"
            f" {facts['parameters']:,} parameters"
        )
    return {
        "what": f"{maze}, {arm}: D4RL score", "ours": ours["score"], "peer": line["score"],
        "ratio": ours["score"] / line["score"], "unit": "score", "bar": f">= {bar}" if bar else "printed",
        "higher_is_better": True, "met": ours["score"] >= bar if bar else None, "note": "; ".join(note),
    }  # fmt: skip


def actions_row(maze: str, one: Mapping[str, Any]) -> dict[str, Any]:
    ours, line = one["single actions, replanned"], one["single expert"]
    return {
        "what": f"{maze}, diffused actions as they are: D4RL score",
        "ours": ours["score"], "peer": line["score"],
        "ratio": ours["score"] / line["score"], "unit": "score", "bar": "printed", "higher_is_better": True,
        "met": None,
        "note": f"a new plan every {EVERY // 5} steps: {described(ours)};"
        f" open loop: {described(one['single actions'])}",
    }  # fmt: skip


def described(one: Mapping[str, Any]) -> str:
    first = "-" if one["first"] is None else f"{one['first']:.0f}"
    return f"{one['score']:.1f} ± {one['half']:.1f} (reach {one['reach']:.1%}, first after {first} steps)"


def coin_row(maze: str, kind: str, one: Mapping[str, tuple[float, float]]) -> dict[str, Any]:
    ours, guided, plain = (one[arm] for arm in (COIN_ARMS[-1], "guided", "unguided"))
    above = all(ours[0] - ours[1] > other[0] + other[1] for other in (guided, plain))
    shown = ", ".join(f"{arm} {mean:.1f} ± {half:.1f}" for arm, (mean, half) in one.items())
    return {
        "what": f"{maze}, {kind}: coins, legs and best of {COIN_COUNT} against guidance alone",
        "ours": ours[0], "peer": guided[0], "ratio": ours[0] / guided[0] if guided[0] else None,
        "unit": "score", "bar": "above unguided and guided, intervals disjoint", "higher_is_better": True,
        "met": above, "note": f"20 cells, {len(COIN_SEEDS)} seeds: {shown}",
    }  # fmt: skip


def measure(name: str, folder: Path, steps: int, seed: int, episodes: int, exam_seed: int) -> dict[str, Any]:
    planner, facts = trained(name, folder, steps, seed)
    found: dict[str, Any] = {"trained": facts}
    for kind in ("single", "multi"):
        for arm, run in arms(planner, kind, episodes, exam_seed).items():
            part = f"{name}-{steps}-{seed}-{exam_seed}-{kind}-{arm}".replace(", ", "-").replace(" ", "-")
            found[f"{kind} {arm}"] = kept(folder / f"{part}.json", run)
        if (name, kind) in gold.CELLS:
            part = folder / f"{name}-{steps}-{seed}-coins-{kind}.json"
            found[f"coins {kind}"] = kept(part, lambda kind=kind: coins(planner, kind, COIN_SEEDS))
    return found


def picture(folder: Path, path: Path, steps: Mapping[str, int], seed: int) -> None:
    planners = [trained(name, folder, steps[name], seed)[0] for name in SPECS]
    given = [exam(one.maze, "multi", 12, seed=1) for one in planners]
    plans = [
        one.plans(*some, torch.Generator().manual_seed(0)) for one, some in zip(planners, given, strict=True)
    ]
    titles = [f"{one.maze.name}: 12 plans" for one in planners]
    draw_side_by_side([one.maze for one in planners], [some.states for some in plans], titles, path)


def write_plans(folder: Path, planner: Planner, episodes: int, seed: int) -> None:
    """What the open loop drives on the exam's starts, for `benchmarks.maze2d_mujoco`."""
    folder.mkdir(parents=True, exist_ok=True)
    starts, goals = exam(planner.maze, "single", episodes, seed)
    plans = planner.plans(starts, goals, torch.Generator().manual_seed(seed))
    kept_too = {"starts": starts, "goals": goals, "states": plans.states, "stride": plans.stride}
    np.savez(folder / f"{planner.maze.name}.npz", **kept_too)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--json", type=Path, help="write what was measured here")
    parser.add_argument("--folder", type=Path, default=Path(".benchmarks/maze2d"), help="keep parts here")
    parser.add_argument("--mazes", nargs="+", default=list(SPECS), choices=list(SPECS))
    parser.add_argument("--steps", type=int, help="optimizer steps of each planner")
    parser.add_argument("--episodes", type=int, default=EPISODES, help="starts of each arm")
    parser.add_argument("--exam-seed", type=int, default=EXAM_SEED, help="seed of the starts")
    parser.add_argument("--seed", type=int, default=0, help="seed of the data and of the training")
    parser.add_argument("--plans", type=Path, help="write the plans of the open loop here")
    parser.add_argument("--plot", type=Path, help="draw plans of the three mazes here")
    options = parser.parse_args()
    torch.set_num_threads(1)
    options.folder.mkdir(parents=True, exist_ok=True)
    begun = time.monotonic()
    steps = {name: options.steps or STEPS[name] for name in SPECS}
    found = {
        name: measure(name, options.folder, steps[name], options.seed, options.episodes, options.exam_seed)
        for name in options.mazes
    }
    told_rows = rows(found, speed())
    for row in told_rows:
        print(f"{row['what']}: {row['ours']:.5g} ({row['bar']}: {row['met']}); {row['note']}")
    if options.plans:
        for name in options.mazes:
            planner = trained(name, options.folder, steps[name], options.seed)[0]
            write_plans(options.plans, planner, options.episodes, options.exam_seed)
    if options.plot:
        picture(options.folder, options.plot, steps, options.seed)
    if options.json:
        result = {
            "name": "maze2d", "command": "python -m benchmarks.maze2d", "seconds": time.monotonic() - begun,
            "transitions": TRANSITIONS, "rows": told_rows,
        }  # fmt: skip
        options.json.write_text(json.dumps(result, indent=1))


if __name__ == "__main__":
    main()
