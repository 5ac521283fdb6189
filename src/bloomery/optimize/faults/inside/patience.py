"""Calls that end, and calls that do not; a busy machine makes no difference."""

from files import REAL_OPEN
from injecting import INJECTOR

LOOK_S, IDLE_LOOKS = 0.4, 2
"""How often a call is looked at, and after how many idle looks in a row it waits for what does not come."""
IDLE_S = 0.1
"""Idle is who neither used the processor for so long between two looks, nor stood in line for it."""
BUSY_S = 3.0
"""Who computed for so long does not end."""


class Patience:
    """Looks at a call from time to time."""

    def begin(self) -> None:
        self.idle = 0
        self.first = self.last = _processor()

    def look(self, *_: object) -> None:
        """The signal of the timer. Raises: Hung."""
        now = _processor()
        self.idle = self.idle + 1 if sum(now) - sum(self.last) < IDLE_S and not INJECTOR.busy else 0
        self.last = now
        if self.idle >= IDLE_LOOKS or now[0] - self.first[0] > BUSY_S:
            raise INJECTOR.hang("it does not end")


def _processor() -> tuple[float, float]:
    """Seconds on the processor, and in line for it."""
    with REAL_OPEN("/proc/self/schedstat") as file:
        used, stood, _ = file.read().split()
    return int(used) / 1e9, int(stood) / 1e9


PATIENCE = Patience()
