import pytest

from tests.models.thinking.small import MODELS, six_spots, two_texts


@pytest.fixture(params=MODELS)
def base(request):
    return MODELS[request.param]()


@pytest.fixture
def texts():
    return two_texts()


@pytest.fixture
def spots():
    return six_spots()
