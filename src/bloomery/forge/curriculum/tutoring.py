"""The curriculum's steps: the ladder, the climb, and the trainings that it is compared with.

Each function here is a step: a function of its context alone. Decisions are made on fresh problems of the
training side; held-out ones only measure.
"""

import json
from collections.abc import Callable, Mapping
from dataclasses import replace
from functools import partial
from math import ceil
from pathlib import Path
from typing import Any

from bloomery.core import machine
from bloomery.core.step import StepContext
from bloomery.forge.baking.anchoring import check_room, thought_anchors
from bloomery.forge.curriculum.budget import Budget, Counted
from bloomery.forge.curriculum.climbing import Climb
from bloomery.forge.curriculum.course import (
    GENERATORS,
    assessed,
    check_fits,
    check_prompts,
    course_of,
    ladder_of,
    load_ladder,
    save_ladder,
)
from bloomery.forge.curriculum.forgetting import forgetting, matrix_of
from bloomery.forge.curriculum.ladder import Ladder
from bloomery.forge.curriculum.lessons import Book, Lesson, Lessons, lesson_of
from bloomery.forge.curriculum.proposing import TaskProposer, graded_tasks
from bloomery.forge.curriculum.rehearsing import rehearsal_of
from bloomery.forge.curriculum.rungs import climbed_rates, levels_of, rung_problems
from bloomery.forge.curriculum.self_model import check_layer
from bloomery.forge.curriculum.settings import ClimbConfig
from bloomery.forge.editing import Editable, load_editable, pack_editable, save_editable
from bloomery.forge.fitting import fit, set_threads
from bloomery.forge.folders import load_model
from bloomery.forge.stages.curriculum import CurriculumStageConfig
from bloomery.forge.window import window_of
from bloomery.tasks.mixture import Mixture
from bloomery.training.loader import Dataset

LOOKED_AT = 256  # rows by which it is known how many steps the tokens of a training take
SLACK = 1.02  # of those steps, so that the tokens end it and not the steps


def find_ladder(context: StepContext) -> None:
    """Where each task is solved at the target, and the rungs from there."""
    set_threads(machine.threads())
    config: CurriculumStageConfig = context.config
    edited = load_editable(context.inputs["edited"])
    check_prompts(config, edited.model, edited.tokenizer)
    check_thoughts(config, edited, seed=context.seed)
    if config.self_model.steps:
        check_layer(edited.model, edited.tokenizer, config.self_model.layer)
    found = assessed(config, edited.model, edited.tokenizer, seed=context.seed)
    rungs = ladder_of(config, found)
    check_fits(config, rungs, edited.tokenizer, window_of(edited.model))
    for name, one in found.items():
        for level, asked in one.asked.items():
            context.metric(f"staircase/asked_{name}", asked, level)
            context.metric(f"staircase/solved_{name}", one.solved[level], level)
    save_ladder(context.output / "ladder.json", rungs, found)


def check_thoughts(config: CurriculumStageConfig, edited: Editable, *, seed: int) -> None:
    """Raises: ConfigError where thoughts that are to be kept up fit no row or not the model's window."""
    tokenizer, window, wanted = edited.tokenizer, window_of(edited.model), config.principles
    rehearsal_of(config, tokenizer, seed=seed, window=window)
    if wanted.prompts:
        anchors = thought_anchors(config, tokenizer, wanted.thought_anchors, seed=seed)
        check_room(anchors, tokenizer, wanted.bake, wanted.fit, window)


def climb(context: StepContext, *, proposer: TaskProposer = GENERATORS) -> None:
    """The climb: weights that learned on the way up, their shipped form, and the log."""
    edited, log = _climbed(context, context.config.climb, proposer)
    write_both(context, edited)
    log["rates"] = rates_on_disk(context.output / "model", context.config, _ladder(context))
    write_log(context, log)


def climb_unrehearsed(context: StepContext) -> None:
    """The same climb without replay and dreams: for what it forgets."""
    _, log = _climbed(context, replace(context.config.climb, replay=0.0, dreams=0.0), GENERATORS)
    write_log(context, {key: log[key] for key in ("rung", "tokens", "matrix", "consolidation", "forgotten")})


def train_evenly(context: StepContext) -> None:
    """As many training tokens as the climb took, spread evenly over all rungs, with the right answers.

    Thoughts are rehearsed as in the climb.
    """
    set_threads(machine.threads())
    config: CurriculumStageConfig = context.config
    edited, rungs = load_editable(context.inputs["edited"]), _ladder(context)
    tokens = json.loads(context.inputs["log"].read_text())["tokens"]
    tasks = graded_tasks(config.climbed())
    parts = [(task, 1.0, rungs.rungs[name]) for name, task in tasks.items()]
    evenly = partial(Mixture, parts, edited.tokenizer, seq_len=config.fit.seq_len, seed=context.seed)
    rehearsal = rehearsal_of(config, edited.tokenizer, seed=context.seed)

    def stream(length: int) -> Dataset:
        return rehearsal.among(evenly(length=length))

    fitting = replace(config.fit, steps=steps_for(tokens, stream, config.fit.batch()))
    data = Counted(stream(length=fitting.examples()))
    fit(context, edited.model, data, fitting, callbacks=[Budget(data, tokens)])
    pack_editable(edited, context.checkpoint / "packed")
    rates = rates_on_disk(context.checkpoint / "packed", config, rungs)
    write_log(context, {"tokens": data.tokens, "rates": rates})


def steps_for(tokens: int, stream: Callable[..., Dataset], batch: int) -> int:
    """Steps that take at least so many tokens, as told by the first rows and seen to by counting all."""
    steps = ceil(SLACK * tokens / (_tokens(stream(length=LOOKED_AT)) / LOOKED_AT * batch))
    while _tokens(stream(length=steps * batch)) < tokens:
        steps = ceil(SLACK * steps)
    return steps


def _tokens(rows: Dataset) -> int:
    return sum(int(rows[place]["attention_mask"].sum()) for place in range(len(rows)))


def _climbed(
    context: StepContext, config: ClimbConfig, proposer: TaskProposer
) -> tuple[Editable, dict[str, Any]]:
    set_threads(machine.threads())
    edited = load_editable(context.inputs["edited"])
    stage: CurriculumStageConfig = replace(context.config, climb=config)
    course = course_of(stage, edited.tokenizer, _ladder(context), seed=context.seed, proposer=proposer)
    book = Book(
        {"solution": 1 - config.replay - config.dreams, "replay": config.replay, "dream": config.dreams}
    )
    climber = Climb(course, book, edited.model, edited.tokenizer, context.metric)
    lessons = Lessons(
        book, edited.tokenizer, seq_len=stage.fit.seq_len, seed=context.seed, length=stage.fit.examples()
    )
    data = Counted(rehearsal_of(stage, edited.tokenizer, seed=context.seed).among(lessons))
    fit(context, edited.model, data, stage.fit, callbacks=[climber, Budget(data)])
    return edited, _log(climber, data.tokens)


def _log(climber: Climb, tokens: int) -> dict[str, Any]:
    after = list(climber.course.probe(climber.model))
    rows = {"before": climber.before, "after": after}
    for when, rates in rows.items():
        for place, rate in enumerate(rates):
            climber.metric(f"accuracy {when} consolidation", rate, place)
    state = climber.book.state_dict()["pages"]
    return {
        "rung": climber.rung,
        "rounds": climber.rounds,
        "tokens": tokens,
        "matrix": climber.matrix,
        "consolidation": rows,
        "forgotten": forgetting(matrix_of(climber.matrix), after),
        "refused": dict(climber.course.refused),
        "solved": [*state["replay"], *state["solution"]],
    }


def rates_on_disk(folder: Path, config: CurriculumStageConfig, rungs: Ladder) -> list[float]:
    """The shipped form's accuracy on the test part of every rung."""
    model, tokenizer = load_model(folder)
    tasks = graded_tasks(config.climbed())
    held_out = rung_problems(tasks, levels_of(rungs), config.mixture, config.exam, "test", config.examined)
    return climbed_rates(model, tokenizer, tasks, held_out)


def write_both(context: StepContext, edited: Editable) -> None:
    """The weights to train on, and the form that ships."""
    save_editable(edited, context.output / "latent")
    pack_editable(edited, context.output / "model")
    context.kinds |= {"latent": "latent model", "model": "model"}


def write_log(context: StepContext, log: Mapping[str, Any]) -> None:
    (context.output / "log.json").write_text(json.dumps(log, indent=1, sort_keys=True))


def solved_before(context: StepContext) -> list[Lesson]:
    """What the climb solved, from its log."""
    return [lesson_of(one) for one in json.loads(context.inputs["log"].read_text())["solved"]]


def _ladder(context: StepContext) -> Ladder:
    return load_ladder(context.inputs["ladder"])
