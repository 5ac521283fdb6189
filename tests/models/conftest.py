"""Small models, ready to be measured."""

import pytest

from tests.models.causal_models import cognate


@pytest.fixture
def make_model():
    """Builds a small Cognate, in evaluation mode; halting scores are spread out."""
    return cognate


@pytest.fixture(params=["titans", "exponential", "none"])
def model(request, make_model):
    return make_model(memory=request.param)
