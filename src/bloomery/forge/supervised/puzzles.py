"""Models of grids: trained by deep supervision, examined from disk on held-out grids. Each is a step."""

import json
import time
from collections.abc import Sequence
from functools import partial

import torch
from torch import nn
from transformers import PreTrainedModel

from bloomery.core import machine
from bloomery.core.evidence import judge
from bloomery.core.step import StepContext
from bloomery.forge.exams import Part, plain
from bloomery.forge.fitting import run_loop, set_threads
from bloomery.forge.folders import drop_machine_dependent
from bloomery.forge.measuring import as_measured
from bloomery.forge.settings import ExamConfig
from bloomery.forge.supervised.architectures import PUZZLES, puzzle_model
from bloomery.forge.supervised.grids import Grids, grid, stacked
from bloomery.forge.supervised.images import make_optimizer
from bloomery.forge.supervised.settings import PuzzlesConfig
from bloomery.forge.supervised.supervision import DeepSupervision
from bloomery.models.modeling_trm import solved
from bloomery.tasks.accuracy import Accuracy, Answered, evaluating, summarize
from bloomery.tasks.registry import task as task_of
from bloomery.tasks.splitting import examples
from bloomery.tasks.task import Example, benchmark
from bloomery.training.callbacks import AverageWeights
from bloomery.training.loop import loader_for

WHILE_TRAINING = ExamConfig(selection=128, test=1)
EXAMINED_AT_ONCE = 256


def train_on_puzzles(context: StepContext) -> None:
    """The model, from random weights, on grids of the task; what is kept is the average of its weights."""
    set_threads(machine.threads())
    config: PuzzlesConfig = context.config["puzzles"]
    loop = config.loop(seed=context.seed)
    torch.manual_seed(context.seed)
    model = puzzle_model(context.config["model"], context.config["architecture"], config.cells)
    data = Grids(
        task_of(config.task, **config.options), config.difficulty, cells=config.cells, seed=context.seed,
        length=config.steps * config.batch(),
    )  # fmt: skip
    supervision = DeepSupervision(model.config.supervision_steps, config.exploration)
    average = AverageWeights(config.average)
    run_loop(
        context,
        model,
        loader_for(data, loop, collate=stacked, shuffle=False),
        loop,
        optimizer=make_optimizer(model, config.optimizer),
        schedule=config.schedule,
        loss=supervision,
        validate=partial(_validated, average=average, config=config),
        callbacks=[supervision, average],
    )
    context.facts["parameters"] = sum(parameter.numel() for parameter in model.parameters())
    with average.applied(model):
        model.save_pretrained(context.output / "model")
    drop_machine_dependent(context.output / "model")


def examine_on_puzzles(context: StepContext) -> None:
    """The model from disk on grids that it has not seen and that chose nothing."""
    set_threads(machine.threads())
    config: PuzzlesConfig = context.config["puzzles"]
    (check,), folder, began = context.config["checks"], context.inputs["model"], time.perf_counter()
    model = PUZZLES[context.config["model"]].model.from_pretrained(folder, local_files_only=True)
    found = examined(model, config, held_out(config, config.exam, "test"))
    measured = context.output / "measured"
    measured.mkdir()
    text = json.dumps(plain({config.task: found}), indent=2, sort_keys=True)
    (measured / "metrics.json").write_text(text + "\n")
    how, took = f"{__name__}.examine_on_puzzles", time.perf_counter() - began
    context.evidence(judge(check, as_measured(found), how=how, duration_s=took, inputs=[folder.name]))


def held_out(config: PuzzlesConfig, exam: ExamConfig, part: Part) -> list[Example]:
    """Prompts that training never sees; the test's are others than those that choose."""
    drawn = examples(
        task_of(config.task, **config.options), "test", count=exam.selection + exam.test, seed=exam.seed,
        difficulties=(config.difficulty,),
    )  # fmt: skip
    return drawn[: exam.selection] if part == "selection" else drawn[exam.selection :]


def examined(model: PreTrainedModel, config: PuzzlesConfig, given: Sequence[Example]) -> Accuracy:
    """The share of grids whose cells are all right after all the supervision steps of the model's config."""
    task, right = task_of(config.task, **config.options), []
    with evaluating(model):
        for start in range(0, len(given), EXAMINED_AT_ONCE):
            batch = stacked([grid(one, config.cells) for one in given[start : start + EXAMINED_AT_ONCE]])
            batch = {name: tensor.to(model.device) for name, tensor in batch.items()}
            right += solved(model(batch["input_ids"]).logits, batch["labels"]).tolist()
    chance = task.chance(config.difficulty)
    return summarize([Answered(config.difficulty, chance, hit) for hit in right], benchmark(task))


def _validated(model: nn.Module, *, average: AverageWeights, config: PuzzlesConfig) -> dict[str, float]:
    """The accuracy of the averaged weights, as a training's validation has it."""
    assert isinstance(model, PreTrainedModel)
    with average.applied(model):
        found = examined(model, config, held_out(config, WHILE_TRAINING, "selection"))
    return {f"accuracy_{config.task}": found.rate}
