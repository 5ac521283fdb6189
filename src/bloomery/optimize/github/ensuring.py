"""Making something once.

Whatever may have been made before (`again`, or an answer that was lost) is looked for before it is made, so
that nothing is made twice. What GitHub's own names settle (trees, commits, branches) is simply made again.
"""

from collections.abc import Callable
from typing import TypeVar

from bloomery.optimize.github.errors import Rejected, Unsure

LOOKS = 3
T = TypeVar("T")


def ensured(look: Callable[[], T | None], make: Callable[[], T], *, again: bool = True) -> T:
    """What is there already, else what is made; if making it was unsure, it is looked for.

    Where it was never tried (not `again`), the first look is saved.
    Raises: Unsure if it stays so.
    """
    for attempt in range(LOOKS):
        if (again or attempt) and (found := look()) is not None:
            return found
        try:
            return make()
        except Unsure:
            if attempt == LOOKS - 1:
                raise
        except Rejected:
            if (found := look()) is not None:  # somebody else was faster
                return found
            raise
    raise AssertionError("the last attempt returns or raises")
