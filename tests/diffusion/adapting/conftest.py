import pytest

from tests.diffusion.adapting.planted import Places, filled_buffer


@pytest.fixture
def net():
    return Places()


@pytest.fixture
def buffer():
    return filled_buffer()
