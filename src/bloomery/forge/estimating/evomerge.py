"""What the search for merges will take: exams of its candidates."""

from collections.abc import Mapping, Sequence
from typing import Any

from bloomery.forge.estimating.trial import trial_of
from bloomery.forge.stage import Estimate
from bloomery.forge.stages.evomerge import EvomergeStageConfig, work


def estimate(config: EvomergeStageConfig, recipe: Mapping[str, Any]) -> Sequence[Estimate]:
    """Both searches, one candidate after the other; nothing where the model is not the recipe's own."""
    trial = trial_of(recipe)
    if trial is None:
        return ()
    count, tokens = config.evaluations(), work(config)
    seconds = count * trial.exam_s(config.mixture, config.exam, "selection")
    return [
        trial.estimate(
            part, count, tokens[part], seconds, unit="candidates", bound="no plateau ends the search"
        )
        for part in ("search", "random")
        if part in tokens
    ]
