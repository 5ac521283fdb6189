"""What no Titans model can be made of; what they do is in `tests/models/test_causal_models.py`."""

import pytest

from bloomery.models.configuration_titans import TitansConfig


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        ({"variant": "mix"}, "lmm, mac, mag, mal"),
        ({"memory": "lstm"}, "titans, moneta, yaad, memora, miras"),
        ({"memory_size": 15, "memory_heads": 2}, "not a multiple"),
        ({"persistent_tokens": -1}, "at least 0"),
    ],
)
def test_a_config_that_fits_nothing_is_refused(wrong, said):
    with pytest.raises(ValueError, match=said):
        TitansConfig(**wrong)
