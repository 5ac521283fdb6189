"""The count of steps of the program under repair."""

import builtins
from collections.abc import Callable

from bloomery_job import JOB

AT_IMPORT_STEPS = 20_000_000
TEARDOWN_STEPS = 100_000


class OutOfSteps(BaseException):
    """The count of steps is used up."""


class Steps:
    """How many steps are left, and what happens when none is."""

    left = AT_IMPORT_STEPS
    at_end = 0
    ended: Callable[[], None]

    @staticmethod
    def used() -> int:
        """By the last test, what takes it down left out."""
        return int(JOB["limit"]) - max(Steps.at_end, 0)


def step() -> bool:
    Steps.left -= 1
    if Steps.left < 0:
        Steps.ended()
    return True


def give_up() -> None:
    raise OutOfSteps


Steps.ended = give_up
builtins.__bloomery_step__ = step  # type: ignore[attr-defined]
