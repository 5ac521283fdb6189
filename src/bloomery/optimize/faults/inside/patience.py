"""Calls that end, and calls that do not."""

import time

from injecting import INJECTOR

LOOK_S, IDLE_S, LOOKS = 0.4, 0.02, 8
"""How often a call is looked at; one that used less than this of the processor between two looks waits for
something that does not come, and one that still runs at the last look does not end."""
PROCESSOR = time.process_time


class Patience:
    """Looks at a call from time to time."""

    def begin(self) -> None:
        self.looks, self.used = 0, PROCESSOR()

    def look(self, *_: object) -> None:
        """The signal of the timer. Raises: Hung."""
        used, self.used = PROCESSOR() - self.used, PROCESSOR()
        self.looks += 1
        if self.looks >= LOOKS or (used < IDLE_S and not INJECTOR.busy):
            raise INJECTOR.hang("it does not end")


PATIENCE = Patience()
