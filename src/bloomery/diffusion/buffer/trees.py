"""Binary trees over leaves in an array: sums that find a place, and largest values.

A node's children lie at twice its index and one further; the root is at 1. Batches go through NumPy, single
calls through a view of the same memory that gives plain numbers.
"""

import numpy as np
from numpy.typing import NDArray

Whole = NDArray[np.int64]


class SumTree:
    """Whole numbers >= 0 in leaves; every node is the sum below it, exactly."""

    def __init__(self, leaves: Whole | None = None) -> None:
        self.rebuild(np.zeros(1, np.int64) if leaves is None else leaves)

    def rebuild(self, leaves: Whole) -> None:
        """Take these leaves instead, with room for a few more."""
        self.size, self.nodes = _built(leaves, np.add)
        self._node = memoryview(self.nodes)  # type: ignore[arg-type]

    @property
    def total(self) -> int:
        return self._node[1]

    def __getitem__(self, leaf: int) -> int:
        return self._node[self.size + leaf]

    def add(self, leaf: int, amount: int) -> None:
        """Add to a leaf; one beyond the last makes room."""
        if leaf >= self.size:
            self.rebuild(_longer(self.nodes[self.size :], leaf + 1))
        node, at = self._node, self.size + leaf
        while at:
            node[at] += amount
            at >>= 1

    def before(self, leaf: int) -> int:
        """The sum of the leaves before this one."""
        node, at, total = self._node, self.size + leaf, 0
        while at > 1:
            if at & 1:
                total += node[at - 1]
            at >>= 1
        return total

    def find(self, place: int) -> tuple[int, int]:
        """The leaf in which the place lies, 0 <= place < total, and how far in it."""
        node, at, size = self._node, 1, self.size
        while at < size:
            at <<= 1
            left = node[at]
            if place >= left:
                place -= left
                at += 1
        return at - size, place

    def find_all(self, places: Whole) -> tuple[Whole, Whole]:
        """`find` of many, by the running sum of the leaves. Shapes: (B,) -> (B,), (B,)"""
        leaves = self.nodes[self.size :]
        up_to = np.cumsum(leaves)
        leaf = np.searchsorted(up_to, places, "right")
        return leaf, places - up_to[leaf] + leaves[leaf]


class MostTree:
    """Whole numbers >= 0 in leaves; every node is the largest below it."""

    def __init__(self, leaves: Whole | None = None) -> None:
        self.rebuild(np.zeros(1, np.int64) if leaves is None else leaves)

    def rebuild(self, leaves: Whole) -> None:
        """Take these leaves instead, with room for a few more."""
        self.size, self.nodes = _built(leaves, np.maximum)
        self._node = memoryview(self.nodes)  # type: ignore[arg-type]

    @property
    def most(self) -> int:
        return self._node[1]

    def put(self, leaf: int, value: int) -> None:
        """Set a leaf; one beyond the last makes room."""
        if leaf >= self.size:
            self.rebuild(_longer(self.nodes[self.size :], leaf + 1))
        node, at = self._node, self.size + leaf
        node[at] = value
        while at > 1:
            at >>= 1
            left, right = node[2 * at], node[2 * at + 1]
            node[at] = left if left >= right else right

    def first_of_most(self) -> int:
        """The first leaf with the largest value."""
        node, at = self._node, 1
        while at < self.size:
            at = 2 * at if node[2 * at] == node[at] else 2 * at + 1
        return at - self.size


def _built(leaves: Whole, join: np.ufunc) -> tuple[int, Whole]:
    """How many leaves there is room for, and all nodes."""
    size = 1 << max(len(leaves) - 1, 0).bit_length()
    nodes = np.zeros(2 * size, np.int64)
    nodes[size : size + len(leaves)] = leaves
    first = size // 2
    while first:
        below = nodes[2 * first : 4 * first]
        join(below[::2], below[1::2], out=nodes[first : 2 * first])
        first //= 2
    return size, nodes


def _longer(leaves: Whole, count: int) -> Whole:
    return np.append(leaves, np.zeros(count - len(leaves), np.int64))
