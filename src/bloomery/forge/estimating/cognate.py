"""What the base and the specialists will take."""

from collections.abc import Mapping, Sequence
from typing import Any

from bloomery.forge.estimating.trial import trial_of
from bloomery.forge.stage import Estimate
from bloomery.forge.stages.cognate import CognateStageConfig


def estimate(config: CognateStageConfig, _recipe: Mapping[str, Any]) -> Sequence[Estimate]:
    """Time and memory of each training; specialists are measured on the base's mixture."""
    trial = trial_of({"cognate": config})
    assert trial is not None
    base, specialist = (one.on(config.mixture) for one in (config.base, config.specialist))
    grown = {name: config.specialist_fit(name) for name in config.specialists}
    return [
        trial.of_fit("base", base, trial.step_s(base)),
        *(trial.of_fit(name, fit, trial.step_s(specialist)) for name, fit in grown.items()),
    ]
