"""A climb on a model's own verified solutions, against as many training tokens spent evenly over all rungs.

    python -m benchmarks.curriculum --json out.json

For each seed a small Cognate learns the parity of 2 to 8 bits. The staircase finds where it solves three of
four problems, and ten rungs lead from there to 26 bits. From the same start the model climbs by the stage's
own steps, and is trained on problems of all rungs, drawn evenly, with their right answers, for as many tokens
(both without padding; the tokens of the climb's attempts are not training and are not counted). The highest
level is the last rung up to which every rung is solved at 75 % on held-out problems; beside it the hardest
rung that is, whatever lies below. Also: accuracy on the first rung that the start does not reach, and what is
forgotten with and without replay and dreams. Guessing solves half.

The task and the sizes below were chosen on seeds 1 to 3, and the task matters. Parity gives no gradient
before shorter rows are understood. Counting ones does: there, in the same number of tokens (seed 4), evenly
trained models solve 55 to 86 % on all rungs, the first two below 75 % and rung 7 at 80 %, while the climb
solves rungs 1 to 5 at 83 to 100 % and none beyond.
"""

import argparse
import json
import os
import statistics
import tempfile
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

os.environ.setdefault("OMP_NUM_THREADS", "1")


from benchmarks.small_models import TOKENIZER, taught
from bloomery.core.step import StepContext
from bloomery.forge.curriculum.course import load_ladder
from bloomery.forge.curriculum.settings import ClimbConfig
from bloomery.forge.curriculum.staircase import TARGET, reached
from bloomery.forge.curriculum.tutoring import climb, find_ladder, rates_on_disk, train_evenly
from bloomery.forge.folders import save_model
from bloomery.forge.settings import ExamConfig, FitConfig
from bloomery.forge.stages.curriculum import CurriculumStageConfig
from bloomery.tasks.ingredient import Ingredient
from bloomery.tasks.registry import task
from bloomery.training.schedules import ScheduleConfig

NAME, HOME, LEARNT, HARDEST = "parity", (7, 8), (2, 3, 4, 5, 6, 7, 8), 26
MODEL: Mapping[str, Any] = {"sliding_window": 64, "micro_steps": 1, "max_recursion": 1}
START_STEPS, STEPS, BATCH, SEEDS = 250, 350, 32, (4, 5, 6)
STAGE = CurriculumStageConfig(
    mixture={NAME: Ingredient(difficulties=HOME)},
    exam=ExamConfig(selection=4, test=4),
    fit=FitConfig(
        steps=STEPS, seq_len=64, muon_grokfast={"lr": 3e-3, "lam": 0.3},
        schedule=ScheduleConfig(kind="cosine", warmup_steps=10, final=0.05), train={"micro_batch": BATCH},
    ),
    climb=ClimbConfig(hardest={NAME: HARDEST}, pool=192, round_steps=5),
    examined=64,
)  # fmt: skip
BARE = {"no replay": {"replay": 0.0}, "no dreams": {"dreams": 0.0}, "neither": {"replay": 0.0, "dreams": 0.0}}
BAR = 1.5


def start(seed: int, folder: Path) -> None:
    steps, options = START_STEPS, {"batch": BATCH, "seq_len": 64}
    pupil = taught(task(NAME), LEARNT, model=MODEL, steps=steps, seed=seed, **options)
    save_model(pupil, TOKENIZER, folder)


def made(step: Callable[[StepContext], None], config: Any, folder: Path, seed: int, **inputs: Path) -> Path:
    """A step of the stage, done in a folder; where its output lies."""
    parts = {name: folder / name for name in ("output", "checkpoint")}
    for path in parts.values():
        path.mkdir(parents=True)
    step(StepContext(**parts, config=config, inputs=inputs, seed=seed))
    return folder / "output"


def log_of(folder: Path) -> dict[str, Any]:
    return json.loads((folder / "log.json").read_text())


def contest(seed: int, folder: Path, bare: Sequence[str]) -> dict[str, Any]:
    """Accuracy on each rung of the start, after the climb and after even training, and what was forgotten."""
    start(seed, folder / "start")
    given = {"edited": folder / "start"}
    given["ladder"] = made(find_ladder, STAGE, folder / "assess", seed, **given) / "ladder.json"
    climbed = made(climb, STAGE, folder / "climb", seed, **given)
    given["log"] = climbed / "log.json"
    even = log_of(made(train_evenly, STAGE, folder / "even", seed, **given))
    rungs, log = load_ladder(given["ladder"]), log_of(climbed)
    forgotten = {"both": log["forgotten"]}
    for name in bare:
        config = replace(STAGE, climb=replace(STAGE.climb, **BARE[name]))
        forgotten[name] = log_of(made(climb, config, folder / name, seed, **given))["forgotten"]
    before = rates_on_disk(folder / "start", STAGE, rungs)
    return {
        "seed": seed, "rungs": rungs.rungs[NAME], "start": before, "climb": log["rates"],
        "even": even["rates"],
        "tokens": {"climb": log["tokens"], "even": even["tokens"]}, "forgotten": forgotten,
    }  # fmt: skip


def highest(rates: Sequence[float]) -> int:
    return max((rung for rung, rate in enumerate(rates, start=1) if rate >= TARGET), default=0)


def rows(found: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
    levels = [[reached(one[name]) for name in ("climb", "even")] for one in found]
    hardest = [[highest(one[name]) for name in ("climb", "even")] for one in found]
    first = [min(reached(one["start"]), len(one["start"]) - 1) for one in found]
    frontier = [[one[name][at] for name in ("climb", "even")] for one, at in zip(found, first, strict=True)]
    everywhere = [[statistics.fmean(one[name]) for name in ("climb", "even")] for one in found]
    bare = [name for name in BARE if name in found[0]["forgotten"]]
    kept = [[one["forgotten"]["both"], one["forgotten"][name]] for name in bare for one in found]
    count = len(found)
    met = all(ours >= BAR * max(1, theirs) for ours, theirs in levels)
    return [
        row("highest level, of ten, with 75 % of held-out problems", levels, "levels", True,
            f">= {BAR:g} times (of 1 at least), every seed", met),
        row("hardest level with 75 %, whatever lies below", hardest, "levels", True),
        row("accuracy at the frontier, the first level beyond the start", frontier, "accuracy", True),
        row("mean accuracy over all ten levels", everywhere, "accuracy", True),
        *(row(f"forgotten on levels left behind, against {name}", kept[place * count : (place + 1) * count],
              "accuracy", False) for place, name in enumerate(bare)),
    ]  # fmt: skip


def row(
    what: str,
    pairs: Sequence[Sequence[float]],
    unit: str,
    higher: bool,
    bar: str = "",
    met: bool | None = None,
) -> dict[str, Any]:
    ours, theirs = (statistics.fmean(pair[place] for pair in pairs) for place in (0, 1))
    return {
        "what": what, "ours": ours, "peer": theirs, "ratio": ours / theirs if theirs > 0 else None,
        "unit": unit,
        "bar": bar, "higher_is_better": higher, "met": met,
        "note": "by seed " + ", ".join(f"{a:.3g}/{b:.3g}" for a, b in pairs),
    }  # fmt: skip


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--json", type=Path, help="write what was measured here")
    parser.add_argument("--seeds", type=int, nargs="+", default=list(SEEDS), help="which seeds")
    parser.add_argument(
        "--forgetting", nargs="*", choices=BARE, default=list(BARE), help="climbs without what"
    )
    options = parser.parse_args()
    began, found = time.monotonic(), []
    for seed in options.seeds:
        with tempfile.TemporaryDirectory() as folder:
            found.append(contest(seed, Path(folder), options.forgetting))
        print(json.dumps(found[-1]), flush=True)
    table = rows(found)
    for one in table:
        print(f"{one['what']}: {one['ours']:.3f} and {one['peer']:.3f}; {one['note']}")
    if options.json:
        seeds, bare = " ".join(map(str, options.seeds)), " ".join(f"'{name}'" for name in options.forgetting)
        command = f"python -m benchmarks.curriculum --seeds {seeds} --forgetting {bare}".rstrip()
        document = {
            "name": "curriculum",
            "command": command,
            "seconds": time.monotonic() - began,
            "rows": table,
        }
        options.json.write_text(json.dumps(document | {"seeds": found}, indent=2))


if __name__ == "__main__":
    main()
