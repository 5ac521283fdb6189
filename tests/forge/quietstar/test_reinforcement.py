"""Settings of reinforcement that cannot be are refused where they are given."""

import pytest

from bloomery.core.errors import ConfigError
from tests.forge.quietstar.thinkers import MIXTURE, config


@pytest.mark.parametrize("wrong", [{"halting": 0.5}, {"recursion_depths": ((0, 1),)}])
def test_a_fit_that_changes_how_the_model_runs_is_refused(wrong):
    with pytest.raises(ConfigError, match=r"leave out fit\.halting"):
        config(fit=wrong)


def test_the_recipes_mixture_becomes_that_of_the_fit():
    assert config(fit={"mixture": {}}).on(MIXTURE).fit.mixture == MIXTURE
