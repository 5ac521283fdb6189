"""What the climb, the training that it is compared with, and what comes after it will take."""

import random
from collections.abc import Mapping, Sequence
from statistics import fmean
from typing import Any

from bloomery.forge.curriculum.course import reach_of
from bloomery.forge.curriculum.proposing import graded_tasks
from bloomery.forge.estimating.trial import Trial, latent_trial
from bloomery.forge.exams import TaskExam
from bloomery.forge.stage import Estimate
from bloomery.forge.stages.curriculum import CurriculumStageConfig, work
from bloomery.tasks.splitting import draw_from

DRAWN = 4  # problems of each task's last rung that are measured


def estimate(config: CurriculumStageConfig, recipe: Mapping[str, Any]) -> Sequence[Estimate]:
    """Problems as hard as on the last rung; nothing where the model is not the recipe's own."""
    trial = latent_trial(recipe)
    if trial is None:
        return ()
    tokens, step_s = work(config), trial.step_s(config.fit.on(config.mixture), thoughts=config.thoughts)
    steps, climbed = config.fit.total_steps(), _Problems(trial, config)
    learnt = steps * step_s
    found = {
        "climb": (steps, learnt + climbed.seconds(), "every problem stays open until the last step"),
        "uniform": (steps, learnt, "the climb takes all its steps"),
        "unrehearsed": (steps, learnt + climbed.seconds(), "every problem stays open until the last step"),
        "introspect": (2 * config.self_model.steps, 2 * config.self_model.steps * step_s, ""),
        "principles": (_baked_steps(config), _baked_s(trial, config), ""),
    }
    return [
        trial.estimate(part, count, tokens[part], seconds, bound=bound)
        for part, (count, seconds, bound) in found.items()
        if part in tokens
    ]


def _baked_steps(config: CurriculumStageConfig) -> int:
    return len(config.principles.prompts) * config.principles.fit.total_steps()


def _baked_s(trial: Trial, config: CurriculumStageConfig) -> float:
    """Optimizer steps in which a teacher reads along, and what it writes before them."""
    wanted = config.principles
    if not wanted.prompts:
        return 0.0
    asked = [(one.prompt, (*one.questions, *one.probes)) for one in wanted.prompts.values()]
    written = sum(len(questions) for _, questions in asked) + wanted.anchors * len(asked)
    prompts = [prompt + questions[0] for prompt, questions in asked]
    each = trial.writing_s(prompts, wanted.bake.max_new_tokens) * wanted.bake.per_query
    return _baked_steps(config) * trial.baking_step_s(wanted.fit.on(config.mixture)) + written * each


class _Problems:
    """What it takes to try problems of the last rung, and to read them with their answers."""

    def __init__(self, trial: Trial, config: CurriculumStageConfig) -> None:
        self.trial, self.climb, self.steps = trial, config.climb, config.fit.total_steps()
        tasks, rng = graded_tasks(config.climbed()), random.Random("estimate")
        self.exams = {
            name: TaskExam(
                task,
                [draw_from(task, "train", rng, reach_of(config, name, task)[-1]) for _ in range(DRAWN)],
            )
            for name, task in tasks.items()
        }

    def seconds(self) -> float:
        """Attempts at whole pools, dreams, and what probes forgetting."""
        climb = self.climb
        rounds = 1 + climb.rungs + int((1 - climb.consolidate) * self.steps / climb.round_steps)
        written = rounds * climb.pool + climb.rungs * climb.kept * bool(climb.dreams)
        probed = (1 + climb.rungs) ** 2 * climb.probes * len(self.exams)
        return written * self._attempt_s() + probed * self._read_s()

    def _attempt_s(self) -> float:
        longest = max((one for exam in self.exams.values() for one in exam.examples), key=_length)
        turns, tokens = 1, len(self.trial.tokenizer.encode(longest.answer)) + 1
        if self.climb.tools:
            turns, tokens = self.climb.tool_calls + 1, self.climb.tool_tokens
        return turns * self.trial.writing_s([longest.prompt] * DRAWN, tokens)

    def _read_s(self) -> float:
        return fmean(self.trial.sitting_s(f"rung/{name}", exam) / DRAWN for name, exam in self.exams.items())


def _length(example: Any) -> int:
    return len(example.prompt + example.answer)
