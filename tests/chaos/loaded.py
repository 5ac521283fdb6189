"""A machine that has more to do than it has cores."""

import multiprocessing
import os
from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def loaded_machine() -> Iterator[None]:
    """Two busy processes a core while the block runs."""
    spawn = multiprocessing.get_context("spawn")
    stop = spawn.Event()
    burners = [spawn.Process(target=burn, args=(stop,)) for _ in range(2 * (os.cpu_count() or 1))]
    for burner in burners:
        burner.start()
    try:
        yield
    finally:
        stop.set()
        for burner in burners:
            burner.join()


def burn(stop) -> None:
    while not stop.is_set():
        pass
