"""Exams: held-out examples of a task or a data set, and how a model's accuracy on them is measured.

Generated tasks hold out prompts by their hash; selection and test share none. Of a data set, held-out prompts
of the training split choose between candidates, and its evaluation split measures the chosen one.
"""

import random
import statistics
import time
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from typing import Any, Literal, Protocol

from torch import nn
from transformers import PreTrainedModel, PreTrainedTokenizerBase

from bloomery.core.step import StepContext
from bloomery.forge.settings import ExamConfig, is_data_set
from bloomery.tasks.accuracy import Accuracy, accuracy
from bloomery.tasks.choice import Question, choice_accuracy
from bloomery.tasks.datasets.catalog import SOURCES
from bloomery.tasks.datasets.formatting import (
    QUESTIONS,
    commonest_number,
    examples_of,
    questions_of,
    same_number,
)
from bloomery.tasks.datasets.reading import Split, dataset
from bloomery.tasks.generation import written_accuracy
from bloomery.tasks.ingredient import Ingredient
from bloomery.tasks.registry import TASKS
from bloomery.tasks.registry import task as task_of
from bloomery.tasks.splitting import Side, examples, side_of
from bloomery.tasks.task import Example, Task

Part = Literal["selection", "test"]
NUMBER_PROBLEMS = ("gsm8k", "svamp")
WHILE_TRAINING = ExamConfig(selection=64, test=1)


class Exam(Protocol):
    """Held-out examples that a model can sit."""

    def sit(self, model: PreTrainedModel, tokenizer: PreTrainedTokenizerBase, **options: Any) -> Accuracy: ...

    def prompts(self) -> list[str]: ...


@dataclass(frozen=True)
class TaskExam:
    """Exact answers to a generated task."""

    task: Task
    examples: Sequence[Example]

    def sit(self, model: PreTrainedModel, tokenizer: PreTrainedTokenizerBase, **options: Any) -> Accuracy:
        return accuracy(model, tokenizer, self.examples, self.task, **options)

    def prompts(self) -> list[str]:
        return [one.prompt for one in self.examples]


@dataclass(frozen=True)
class ChoiceExam:
    """Multiple choice by log-likelihood."""

    benchmark: str
    questions: Sequence[Question]

    def sit(self, model: PreTrainedModel, tokenizer: PreTrainedTokenizerBase, **options: Any) -> Accuracy:
        return choice_accuracy(model, tokenizer, self.questions, benchmark=self.benchmark, **options)

    def prompts(self) -> list[str]:
        return [one.prompt for one in self.questions]


@dataclass(frozen=True)
class NumberExam:
    """Written answers of which the final number counts. Chance: always the commonest number."""

    benchmark: str
    examples: Sequence[Example]
    max_new_tokens: int

    def sit(self, model: PreTrainedModel, tokenizer: PreTrainedTokenizerBase, **options: Any) -> Accuracy:
        return written_accuracy(
            model, tokenizer, self.examples, benchmark=self.benchmark, score=same_number,
            chance=commonest_number(list(self.examples)), max_new_tokens=self.max_new_tokens, **options,
        )  # fmt: skip

    def prompts(self) -> list[str]:
        return [one.prompt for one in self.examples]


def exams(
    mixture: Mapping[str, Ingredient], config: ExamConfig, part: Part, *, fewer_ok: bool = False
) -> dict[str, Exam]:
    """For each entry of a mixture its exam; a data set without an exact scorer here (code) has none.

    Nor has an entry that is judged after thoughts alone, except in a mixture of `thought_about`.

    With `fewer_ok`, difficulties that hold too few different prompts give all that they hold.
    """
    found = {
        name: _exam(name, given, config, part, fewer_ok=fewer_ok)
        for name, given in mixture.items()
        if given.weight > 0 and given.at_once
    }
    found |= {name: _data_set_exam(name, config, part) for name in config.data_sets}
    return {name: exam for name, exam in found.items() if exam is not None}


def check_exams(mixture: Mapping[str, Ingredient], config: ExamConfig) -> None:
    """Draw every generated task's exam once: what cannot be asked should be known before hours of training.

    Raises: ConfigError where a task has too few different prompts.
    """
    generated = {name: given for name, given in mixture.items() if not is_data_set(name)}
    exams(generated, replace(config, data_sets=()), "test")


def sit(
    model: PreTrainedModel, tokenizer: PreTrainedTokenizerBase, given: Mapping[str, Exam], **options: Any
) -> dict[str, Accuracy]:
    """The model's accuracy in each exam."""
    return {name: exam.sit(model, tokenizer, **options) for name, exam in given.items()}


def rates(
    model: nn.Module, *, tokenizer: PreTrainedTokenizerBase, given: Mapping[str, Exam]
) -> dict[str, float]:
    """The accuracies as a training's validation has them."""
    results = sit(model, tokenizer, given)  # type: ignore[arg-type]
    return {f"accuracy_{name}": result.rate for name, result in results.items()}


def timed_sit(
    model: PreTrainedModel, tokenizer: PreTrainedTokenizerBase, given: Mapping[str, Exam], **options: Any
) -> tuple[dict[str, Accuracy], dict[str, float]]:
    """The model's accuracy in each exam, and the seconds that each took, for evidence alone."""
    results, seconds = {}, {}
    for name, exam in given.items():
        started = time.perf_counter()
        results[name] = exam.sit(model, tokenizer, **options)
        seconds[name] = time.perf_counter() - started
    return results, seconds


def longest_prompt(given: Mapping[str, Exam]) -> str:
    """By which latency is measured."""
    return max((prompt for exam in given.values() for prompt in exam.prompts()), key=len)


def evaluate_tasks(
    model: PreTrainedModel,
    tokenizer: PreTrainedTokenizerBase,
    names: Sequence[str] = (),
    *,
    count: int = 256,
    difficulties: Sequence[int] = (),
    seed: int = 7,
    **options: Any,
) -> dict[str, Accuracy]:
    """Accuracy on held-out examples of tasks and evaluation splits of data sets by name; none: all tasks.

    Training never sees them. Among those of a generated task may be some that chose in a run of the forge.

    By default at a task's four lowest difficulties, which may hold fewer different prompts than `count`: then
    all that they hold.
    """
    config = ExamConfig(selection=1, test=count, seed=seed)
    results: dict[str, Accuracy] = {}
    for name in names or TASKS:
        if is_data_set(name):
            exam = _data_set_exam(name, config, "test")
            results |= {} if exam is None else {name: exam.sit(model, tokenizer, **options)}
            continue
        task = task_of(name)
        levels = tuple(difficulties) or tuple(task.difficulties)[:4]
        given = examples(task, "test", count=count, seed=seed, difficulties=levels, fewer_ok=not difficulties)
        results[name] = accuracy(model, tokenizer, given, task, **options)
    return results


def mean_rate(results: Mapping[str, Accuracy]) -> float:
    """The mean of the tasks' accuracies: every task counts alike."""
    return statistics.fmean(result.rate for result in results.values())


def mean_depth(results: Mapping[str, Accuracy]) -> float:
    """The mean number of recursion steps executed at the answers, every task counting alike."""
    return statistics.fmean(result.answer_steps or 1.0 for result in results.values())


def record_by_difficulty(context: StepContext, name: str, results: Mapping[str, Accuracy]) -> None:
    """Accuracy and mean halting depth against difficulty, as curves."""
    for task, result in results.items():
        for level, one in result.by_difficulty.items():
            context.metric(f"{name}/accuracy/{task}", one.rate, level)
            if one.answer_steps is not None:
                context.metric(f"{name}/depth/{task}", one.answer_steps, level)


def plain(results: Mapping[str, Accuracy]) -> dict[str, Any]:
    """JSON-able, for a claim on disk."""
    return {name: asdict(result) | {"rate": result.rate} for name, result in results.items()}


def _exam(name: str, given: Ingredient, config: ExamConfig, part: Part, *, fewer_ok: bool) -> Exam | None:
    if is_data_set(name):
        return _data_set_exam(name, config, part)
    task = task_of(name, **given.options)
    levels = given.judged or given.difficulties or tuple(task.difficulties)
    drawn = examples(
        task, "test", count=config.selection + config.test, seed=config.seed, difficulties=levels,
        fewer_ok=fewer_ok,
    )  # fmt: skip
    share = config.selection / (config.selection + config.test)
    chosen: list[Example] = []
    for level in levels:
        some = [one for one in drawn if one.difficulty == level]
        cut = round(share * len(some))
        chosen += some[:cut] if part == "selection" else some[cut:]
    return TaskExam(task, chosen)


def _data_set_exam(name: str, config: ExamConfig, part: Part) -> Exam | None:
    count = config.selection if part == "selection" else config.test
    split, side = _split(name, part)
    rng = random.Random(f"{name}/{config.seed}")
    if name in QUESTIONS:
        questions = [one for one in questions_of(split) if side in (None, side_of(one.prompt))]
        return ChoiceExam(split.benchmark, rng.sample(questions, min(count, len(questions))))
    if name in NUMBER_PROBLEMS:
        problems = [one for one in examples_of(split) if side in (None, side_of(one.prompt))]
        return NumberExam(
            split.benchmark, rng.sample(problems, min(count, len(problems))), config.max_new_tokens
        )
    return None


def _split(name: str, part: Part) -> tuple[Split, Side | None]:
    """The split for a part of the exam, and which side of its prompts; None for all.

    Selection takes the prompts that training holds out, the test all of the test split where its answers are
    public, else of the validation split. A data set without a training split is divided between the two.
    """
    splits = SOURCES[name].splits
    evaluation = "test" if "test" in splits else "validation"
    if "train" not in splits:
        return dataset(name, evaluation, purpose="evaluate"), "test" if part == "selection" else "train"
    if part == "selection":
        return dataset(name, "train", purpose="evaluate"), "test"
    return dataset(name, evaluation, purpose="evaluate"), None
