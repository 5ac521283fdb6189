"""Tasks that need tools, by name; one is added here and the conformance tests find it."""

from collections.abc import Mapping
from typing import Any

from bloomery.core.config import build
from bloomery.core.errors import UnknownName
from bloomery.tasks.tools.needing import DigitSums, Lines, Lookups, Remainders, ToolTask

TOOL_TASKS: Mapping[str, type[ToolTask]] = {
    kind.name: kind for kind in (DigitSums, Lines, Lookups, Remainders)
}


def tool_task(name: str, **options: Any) -> ToolTask:
    """The task of that name with these options.

    Raises: UnknownName with the nearest name; ConfigError for an option or a value it does not take.
    """
    if name not in TOOL_TASKS:
        raise UnknownName("task that needs a tool", name, TOOL_TASKS)
    return build(TOOL_TASKS[name], options, where=name)
