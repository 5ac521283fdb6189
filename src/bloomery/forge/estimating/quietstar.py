"""What teaching and reinforcing thoughts will take."""

import copy
from collections.abc import Mapping, Sequence
from typing import Any

from bloomery.forge.data import training_data
from bloomery.forge.estimating.trial import Trial, trial_of
from bloomery.forge.quietstar.reinforcement import ReinforceConfig
from bloomery.forge.quietstar.reinforcing import reinforcement
from bloomery.forge.stage import Estimate
from bloomery.forge.stages.quietstar import QuietstarStageConfig


def estimate(config: QuietstarStageConfig, recipe: Mapping[str, Any]) -> Sequence[Estimate]:
    """Time and memory of each training; nothing where the model is not the recipe's own."""
    trial = trial_of(recipe, thoughts=True)
    if trial is None:
        return ()
    fits = {name: one.on(config.mixture) for name, one in config.fits().items()}
    taught = [
        trial.of_fit(name, fit, trial.step_s(fit, thoughts=config.thoughts)) for name, fit in fits.items()
    ]
    return taught if config.reinforce is None else [*taught, _reinforced(trial, config)]


def _reinforced(trial: Trial, config: QuietstarStageConfig) -> Estimate:
    assert config.reinforce is not None
    learn: ReinforceConfig = config.reinforce.on(config.mixture)
    loss = reinforcement(copy.deepcopy(trial.model), trial.tokenizer, learn, seed=0)
    rows = training_data(learn.fit, trial.tokenizer, seed=0)
    step_s = trial.step_s(learn.fit, data=rows, model=loss.thinking, loss=loss)
    steps = learn.fit.total_steps()
    return trial.estimate(
        "reinforce", steps, learn.work(), steps * step_s, bound="every thought is as long as it may be"
    )
