"""SIGTERM as a request to stop at the next checkpoint."""

import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def sigterm_sets(stop: threading.Event) -> Iterator[None]:
    """The first SIGTERM asks to stop, a second one ends the process. Only a main thread can listen."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    before = signal.getsignal(signal.SIGTERM)

    def ask(_signal: int, _frame: object) -> None:
        stop.set()
        signal.signal(signal.SIGTERM, before)

    signal.signal(signal.SIGTERM, ask)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)
