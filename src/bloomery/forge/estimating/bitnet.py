"""What the training towards trits will take."""

from collections.abc import Mapping, Sequence
from typing import Any

from bloomery.forge.estimating.trial import trial_of
from bloomery.forge.stage import Estimate
from bloomery.forge.stages.bitnet import BitnetStageConfig


def estimate(config: BitnetStageConfig, recipe: Mapping[str, Any]) -> Sequence[Estimate]:
    """Time and memory of the training; nothing where the model is not the recipe's own."""
    trial = trial_of(recipe, thoughts="quietstar" in recipe, ternary=config.ternary)
    if trial is None:
        return ()
    fit = config.fit.on(config.mixture)
    return [trial.of_fit("tune", fit, trial.step_s(fit, thoughts=config.thoughts))]
