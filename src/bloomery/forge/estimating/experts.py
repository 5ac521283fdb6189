"""What finding and teaching experts and searching for designs will take."""

import copy
from collections.abc import Mapping, Sequence
from functools import partial
from typing import Any

from torch.optim import AdamW

from bloomery.forge.estimating.trial import Trial, latent_trial, seconds_of
from bloomery.forge.experts.cells import Cell, answer_losses, batch_of, cells, freeze
from bloomery.forge.experts.discovery import DRAWN
from bloomery.forge.experts.steps import attached_to
from bloomery.forge.experts.teaching import LOSSES, Pupil
from bloomery.forge.experts.writing import prompt_of
from bloomery.forge.stage import Estimate
from bloomery.forge.stages.experts import GIVEN, ExpertsStageConfig, work

ROWS = 4  # examples by which a step is measured
PASSES = 3  # of the longest strategy: a plan, an act, and a retry


def estimate(config: ExpertsStageConfig, recipe: Mapping[str, Any]) -> Sequence[Estimate]:
    """As many experts as there may be; nothing where the model is not the recipe's own."""
    trial = latent_trial(recipe)
    if trial is None:
        return ()
    given, tokens = cells(config.mixture, config.exam, "selection"), work(config)
    bench, lessons = _Bench(trial, config, given), config.find.most * config.teach.steps
    probes = _probes(config, len(given)) * config.find.probe_steps
    designs = GIVEN + config.search.generations * config.search.population
    seen = trial.estimate(
        "find", probes, tokens["find"], probes * DRAWN * bench.probe_s, unit="steps of a cell",
        bound="no group of cells comes up twice",
    )  # fmt: skip
    taught = trial.estimate(
        "teach", lessons, tokens["teach"], lessons * config.teach.prompts * bench.lesson_s,
        bound=f"there are {config.find.most} experts",
    )  # fmt: skip
    searched = partial(trial.estimate, unit="designs", bound="every design plans, acts and retries")
    searches = [
        searched(part, designs, tokens[part], designs * bench.design_s())
        for part in ("search", "random")
        if part in tokens
    ]
    return [seen, taught, *searches]


def _probes(config: ExpertsStageConfig, count: int) -> int:
    """Cells in all probes: each cell alone, and all in groups for each number of experts."""
    numbers = len(range(config.find.fewest, min(config.find.most, count) + 1))
    return 2 * (1 + numbers) * count  # each half of the examples forms groups once


class _Bench:
    """Seconds of a probe's step and of a lesson's, a row or prompt; and of a design's exam."""

    def __init__(self, trial: Trial, config: ExpertsStageConfig, given: Sequence[Cell]) -> None:
        self.trial, self.config, self.given = trial, config, given
        model = copy.deepcopy(trial.model)
        freeze(model)
        attached = attached_to(model, config.find)
        attached.learn()
        shown = [cell.examples[0] for cell in given][-ROWS:]
        batch = batch_of(shown, trial.tokenizer)
        self.probe_s = _second(lambda: answer_losses(model, batch).mean().backward()) / len(shown)
        pupil, prompts = Pupil(model, attached), [prompt_of(one, trial.tokenizer) for one in shown]
        optimizer = AdamW(pupil.parameters(), lr=0.0)
        loss = partial(LOSSES[config.teach.objective], tokenizer=trial.tokenizer, config=config.teach)

        def lesson() -> None:
            loss(pupil, prompts).loss.backward()
            optimizer.step()

        self.lesson_s = _second(lesson) / len(shown)

    def design_s(self) -> float:
        """The examples of each task, each in all passes of the longest strategy."""
        tasks = {cell.task.name for cell in self.given}
        longest = max((one for cell in self.given for one in cell.examples), key=lambda one: len(one.prompt))
        answer = len(prompt_of(longest, self.trial.tokenizer).answer)
        tokens = answer + self.config.search.thoughts
        each = self.trial.writing_s([longest.prompt] * 2 * ROWS, tokens)
        return len(tasks) * self.config.search.examples * PASSES * each


def _second(act: Any) -> float:
    """Of the second time: the first allocates."""
    seconds_of(act)
    return seconds_of(act)
