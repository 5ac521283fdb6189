import pytest
import torch

from tests.forge.experts.planted import PLANTED, REMOVED, register, torn_model


@pytest.fixture(scope="session")
def torn(tmp_path_factory):
    """The folder of the torn model; read it, never change it."""
    torch.set_num_threads(1)
    return torn_model(tmp_path_factory.mktemp("torn") / "model")


@pytest.fixture
def planted(monkeypatch):
    register(monkeypatch, *PLANTED)


@pytest.fixture
def removed(monkeypatch):
    register(monkeypatch, *REMOVED)
