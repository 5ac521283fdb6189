"""What is seen of values, of files and of what is logged."""

import logging
import os
from typing import Any

from encoding import Encoder, named
from files import REAL_OPEN, content

MOST_FILES = 200


class Careful(Encoder):
    """Tells of streams, sockets and locks only what they are: to look into them would change them."""

    def _object(self, value: Any, kind: type, number: list, depth: int) -> Any:
        if hasattr(kind, "__next__") or hasattr(kind, "__enter__"):
            return [named(kind), *number]
        return super()._object(value, kind, number, depth)


class Loud(logging.Handler):
    def __init__(self) -> None:
        super().__init__(logging.WARNING)
        self.heard = 0

    def emit(self, record: logging.LogRecord) -> None:
        self.heard += 1


def contents(folder: str) -> dict[str, str]:
    found: dict[str, str] = {}
    for place, _, names in os.walk(folder):
        for name in sorted(names)[:MOST_FILES]:
            path = os.path.join(place, name)  # noqa: PTH118
            try:
                with REAL_OPEN(path, "rb") as file:
                    found[os.path.relpath(path, folder)] = content(file.read())
            except OSError as error:
                found[os.path.relpath(path, folder)] = f"unreadable: {type(error).__name__}"
    return found
