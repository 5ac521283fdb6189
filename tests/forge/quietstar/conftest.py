import pytest

from tests.forge.quietstar.planted import Forged, config, forge


@pytest.fixture(scope="session")
def planted(tmp_path_factory) -> Forged:
    """The stage run once on its planted effect; read it, never change it."""
    return forge(tmp_path_factory.mktemp("planted") / "ws", config())
