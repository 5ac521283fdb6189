"""Optional libraries, imported when a source asks for them."""

from importlib import import_module
from types import ModuleType

from bloomery.core.errors import CapabilityMissing


def needed(module: str, doing: str) -> ModuleType:
    """Raises: CapabilityMissing naming the extra that brings the module."""
    try:
        return import_module(module)
    except ImportError as error:
        raise CapabilityMissing(
            f"{doing} needs {module.partition('.')[0]}: pip install 'bloomery[papers]'"
        ) from error
