"""The tasks by name; a task is added here and the conformance tests find it."""

from collections.abc import Mapping
from typing import Any

from bloomery.core.config import build
from bloomery.core.errors import UnknownName
from bloomery.tasks.chained_sums import ChainedSums
from bloomery.tasks.modular_arithmetic import ModularArithmetic
from bloomery.tasks.needle import Needle
from bloomery.tasks.parity import Parity
from bloomery.tasks.recall import Recall
from bloomery.tasks.sorting import Sorting
from bloomery.tasks.task import GeneratedTask

KINDS: Mapping[str, type[GeneratedTask]] = {
    kind.name: kind for kind in (ChainedSums, ModularArithmetic, Needle, Parity, Recall, Sorting)
}
TASKS: Mapping[str, GeneratedTask] = {name: kind() for name, kind in KINDS.items()}


def task(name: str, **options: Any) -> GeneratedTask:
    """The task of that name with these options.

    Raises: UnknownName with the nearest name; ConfigError for an option or a value it does not take.
    """
    if name not in KINDS:
        raise UnknownName("task", name, KINDS)
    return build(KINDS[name], options, where=name)
