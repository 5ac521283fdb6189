"""What is known of each entry besides its content, by slot."""

from collections.abc import Mapping
from typing import Any, Literal, get_args

import numpy as np
from numpy.typing import NDArray

Origin = Literal["real", "synthetic"]
ORIGINS: tuple[Origin, ...] = get_args(Origin)
COLUMNS: dict[str, tuple[str, tuple[int, ...]]] = {
    "score": ("float64", ()),  # what ranks it
    "reward": ("float64", ()),  # the newest that was told
    "age": ("int64", ()),  # a serial number, never used twice
    "task": ("int64", ()),
    "origin": ("int64", ()),  # a place in ORIGINS
    "round": ("int64", ()),
    "seen": ("int64", ()),  # how often it was added
    "digest": ("uint8", (16,)),
}


class Ledger:
    """Columns by name, as arrays and, for one number at a time, as views of the same memory."""

    def __init__(self, capacity: int) -> None:
        self.columns: dict[str, NDArray[Any]] = {
            name: np.zeros((capacity, *shape), dtype) for name, (dtype, shape) in COLUMNS.items()
        }
        views: dict[str, Any] = {name: column.reshape(-1).data for name, column in self.columns.items()}
        self.score, self.reward, self.age = views["score"], views["reward"], views["age"]
        self.task, self.origin, self.round = views["task"], views["origin"], views["round"]
        self.seen, self._digest = views["seen"], views["digest"]

    def digest(self, slot: int) -> bytes:
        return bytes(self._digest[16 * slot : 16 * slot + 16])

    def put_digest(self, slot: int, digest: bytes) -> None:
        self._digest[16 * slot : 16 * slot + 16] = digest

    def take(self, slots: Any) -> dict[str, NDArray[Any]]:
        """Copies of the columns."""
        return {name: column[slots].copy() for name, column in self.columns.items()}

    def put_first(self, columns: Mapping[str, NDArray[Any]]) -> None:
        """Fill the first slots."""
        for name, column in self.columns.items():
            column[: len(columns[name])] = columns[name]
