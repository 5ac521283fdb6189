import os

import pytest


@pytest.fixture
def mirror():
    """Skips where there is no mirror: these tests read the real files."""
    if not os.environ.get("BLOOMERY_DATA"):
        pytest.skip("BLOOMERY_DATA is not set to a folder with the data sets")
