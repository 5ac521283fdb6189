"""The optional libraries of this room, imported when a model is asked."""

from importlib import import_module
from types import ModuleType

from bloomery.core.errors import CapabilityMissing


def needed(module: str, doing: str = "asking a language model") -> ModuleType:
    """Raises: CapabilityMissing naming the extra that brings the module."""
    try:
        return import_module(module)
    except ImportError as error:
        raise CapabilityMissing(f"{doing} needs {error.name}: pip install 'bloomery[llm]'") from error
