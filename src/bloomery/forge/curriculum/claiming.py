"""What the producer says of a taught model, for the consumer to measure again."""

import json
from collections.abc import Mapping, Sequence

from bloomery.core.step import StepContext
from bloomery.forge.curriculum.course import home_of, load_ladder
from bloomery.forge.curriculum.proposing import graded_tasks
from bloomery.forge.curriculum.rungs import climbed_rates, levels_of, rung_problems
from bloomery.forge.exams import plain
from bloomery.forge.folders import load_model
from bloomery.forge.sitting import sit_folders
from bloomery.forge.stages.curriculum import CurriculumStageConfig
from bloomery.tasks.task import Task


def claim(context: StepContext) -> None:
    """What the shipped form reaches on selection examples, and what the steps before logged."""
    config: CurriculumStageConfig = context.config
    folders = {"model": context.inputs["model"]}
    scores = sit_folders(context, folders, config.mixture, config.exam, "selection")["model"]
    logs = {
        name: {key: value for key, value in json.loads(path.read_text()).items() if key != "solved"}
        for name, path in context.inputs.items()
        if name not in ("model", "ladder")
    }
    claims = {"scores": plain(scores), "rungs": selection_rates(context), "logs": logs}
    (context.output / "claims.json").write_text(json.dumps(claims, indent=1, sort_keys=True))


def selection_rates(context: StepContext) -> list[float]:
    """The shipped form's accuracy on the selection part of every rung."""
    config: CurriculumStageConfig = context.config
    return _rates(context, graded_tasks(config.climbed()), None)


def rates_left(context: StepContext) -> list[float]:
    """The same with rung 0 first, as the climb's looks are: a row beside those of its forgetting matrix."""
    config: CurriculumStageConfig = context.config
    tasks = graded_tasks(config.mixture)
    return _rates(context, tasks, home_of(config, tasks))


def _rates(
    context: StepContext, tasks: Mapping[str, Task], home: Mapping[str, Sequence[int]] | None
) -> list[float]:
    config: CurriculumStageConfig = context.config
    model, tokenizer = load_model(context.inputs["model"])
    rungs = levels_of(load_ladder(context.inputs["ladder"]), home)
    held_out = rung_problems(tasks, rungs, config.mixture, config.exam, "selection", config.climb.probes)
    return climbed_rates(model, tokenizer, tasks, held_out)
