"""What a meaning comes to: the oracle of every program in every language."""

from collections.abc import Sequence
from itertools import pairwise
from typing import Any

from bloomery.core.errors import ConfigError, UnknownName
from bloomery.diffusion.code.tasks.catalogue import OPERATIONS
from bloomery.diffusion.code.tasks.operation import PARAMETERS, Kind, Meaning, Operation

MOST_DEPTH = 3
BEYOND = 2**31
MOST_ITEMS, MOST_CHARACTERS = 200, 1000


class OutOfBounds(ValueError):
    """A value on the way that not every language holds, or that is too long to compare."""


def interpret(meaning: Meaning, value: Any) -> Any:
    """Raises: OutOfBounds."""
    for name, k in meaning:
        value = _bounded(OPERATIONS[name].mean(value, k or 0))
    return value


def operations(meaning: Meaning) -> list[Operation]:
    """Raises: UnknownName; ConfigError for steps whose types do not fit, or a parameter that is none."""
    found = []
    for name, k in meaning:
        if name not in OPERATIONS:
            raise UnknownName("operation", name, OPERATIONS)
        operation = OPERATIONS[name]
        if (k in PARAMETERS) != operation.has_parameter or (k is not None and not operation.has_parameter):
            allowed = f"{PARAMETERS[0]} to {PARAMETERS[-1]}" if operation.has_parameter else "none"
            raise ConfigError(f"'{name}' takes {allowed} as its parameter, not {k}")
        found.append(operation)
    for one, other in pairwise(found):
        if one.gives != other.takes:
            raise ConfigError(f"'{other.name}' takes {other.takes}, but '{one.name}' gives {one.gives}")
    if not 1 <= len(found) <= MOST_DEPTH:
        raise ConfigError(f"a meaning has 1 to {MOST_DEPTH} steps, not {len(found)}")
    return found


def takes(meaning: Meaning) -> Kind:
    return OPERATIONS[meaning[0].name].takes


def gives(meaning: Meaning) -> Kind:
    return OPERATIONS[meaning[-1].name].gives


def _bounded(value: Any) -> Any:
    too_long = isinstance(value, str) and len(value) > MOST_CHARACTERS
    too_many = isinstance(value, list) and len(value) > MOST_ITEMS
    if too_long or too_many or any(abs(v) >= BEYOND for v in _numbers(value)):
        raise OutOfBounds(f"{str(value)[:60]} is beyond what is compared")
    return value


def _numbers(value: Any) -> Sequence[int]:
    items = value if isinstance(value, list) else [value]
    return [item for item in items if isinstance(item, int)]
