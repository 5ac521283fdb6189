"""Layers and models; `from bloomery.models import NeuralMemory` and the like load a layer when asked for."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from .neural_memory import NeuralMemory

MODULES = {"NeuralMemory": "neural_memory"}

__all__ = ["NeuralMemory"]


def __getattr__(name: str) -> Any:
    if name not in MODULES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f".{MODULES[name]}", __name__), name)
