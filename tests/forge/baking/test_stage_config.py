"""What the stage's config may say, how much work that is, and what its figures are when there are none."""

import math

import pytest

from bloomery.core.errors import ConfigError, UnknownName
from bloomery.forge.baking.measuring import largest
from bloomery.forge.stages.baking import STAGE, work
from tests.forge.baking.staged import config


@pytest.mark.parametrize(
    ("changes", "error", "words"),
    [
        ({"tools": {"tasks": {"lookup": []}}}, UnknownName, "lookups"),
        ({"bars": {"accuracy": {"sorting": 0.5}}}, ConfigError, "sorting"),
        ({"fit": {"epochs": 1}}, ConfigError, "a bake has no epochs"),
        ({"fit": {"steps": 1, "mixture": {"parity": {}}}}, ConfigError, "root names it"),
        ({"teach": {"steps": 1}}, ConfigError, "names no task"),
    ],
)
def test_a_config_that_cannot_be_meant_is_refused(changes, error, words):
    with pytest.raises(error, match=words):
        config(**changes)


def test_more_rounds_and_candidates_are_more_work():
    less, more = (work(config(cycles={"rounds": count})) for count in (1, 4))
    assert more["cycles"] == 4 * less["cycles"]
    assert set(less) == {"cycles", "claim", "measure", "clock"}


def test_personas_that_are_given_are_scored_as_those_that_are_proposed():
    given, proposed = (
        {"given": {"one": "-", "two": "+"}, "personas": 0},
        {"given": {"one": "-"}, "personas": 1},
    )
    assert work(config(cycles=given)) == work(config(cycles=proposed))


def test_an_effect_without_a_ratio_is_not_hidden_behind_the_others():
    assert largest([0.1, 0.3]) == 0.3
    for values in ([], [0.1, math.nan], [math.nan, 0.1]):
        assert math.isnan(largest(values))


def test_its_estimate_counts_what_its_config_says():
    assert STAGE.estimate(config(), {}) == ()
