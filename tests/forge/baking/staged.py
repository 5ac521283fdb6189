"""A small config of the stage, for the models of `able`."""

from bloomery.core.config import build, to_plain
from bloomery.forge.stages.baking import BakingStageConfig
from tests.forge.baking.able import BLOCK
from tests.forge.baking.promptable import IDLE, LOUD, steps


def plain(**changes):
    fit = to_plain(steps(50))
    return {
        "mixture": {"needle": {"difficulties": [1], "options": {"block": BLOCK}}},
        "exam": {"selection": 32, "test": 32},
        "bake": {"per_query": 1, "max_new_tokens": 3},
        "fit": {**fit, "seq_len": 48},
        "cycles": {"rounds": 2, "window": 1, "personas": 0, "given": {"idle": IDLE, "loud": LOUD}},
        "controls": [f"{letter}?" for letter in "abcdefghijklmnop"],
        "probes": 24,
        **changes,
    }


def config(**changes) -> BakingStageConfig:
    return build(BakingStageConfig, plain(**changes))
