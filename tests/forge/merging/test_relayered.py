"""The config of a model whose layers follow a path."""

import pytest

from bloomery.core.errors import FormatRefused
from bloomery.forge.merging.relayered import relayered

CONFIG = {
    "num_hidden_layers": 3, "layer_types": ["full", "sliding", "linear"], "memory_layers": [0, 2],
    "eos_token_id": [1, 2, 3], "hidden_size": 3,
}  # fmt: skip


def test_what_is_said_layer_by_layer_follows_the_path():
    assert relayered(CONFIG, [2, 2, 1, 0], 3) == {
        "num_hidden_layers": 4, "layer_types": ["linear", "linear", "sliding", "full"],
        "memory_layers": [0, 1, 3], "eos_token_id": [1, 2, 3], "hidden_size": 3,
    }  # fmt: skip


def test_layers_in_their_order_leave_the_config_alone():
    assert relayered(CONFIG, [0, 1, 2], 3) == CONFIG
    assert relayered({"hidden_size": 3}, [0, 1], 2) == {"hidden_size": 3}


def test_a_config_that_does_not_say_how_deep_it_is_is_refused():
    with pytest.raises(FormatRefused, match="names no number of layers"):
        relayered({"hidden_size": 3}, [0, 0], 2)
