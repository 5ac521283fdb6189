"""The config of a packed model's folder: what it is a packed form of."""

from __future__ import annotations

from typing import Any

from transformers.configuration_utils import PretrainedConfig


class PackedConfig(PretrainedConfig):
    """`inner` is the config of the model whose weights are packed, as its own config.json would hold it."""

    model_type = "bloomery-packed"

    def __init__(self, inner: dict[str, Any] | None = None, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.inner = dict(inner or {})
