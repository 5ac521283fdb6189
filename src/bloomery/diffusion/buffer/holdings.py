"""Where entries lie: their slots, their places in their task's order, and who makes room for whom."""

from collections.abc import Mapping
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from bloomery.core.errors import UnknownName

from .contents import Arrays, Contents, Field, digest
from .evicting import EVICTIONS, Eviction
from .ledger import ORIGINS, Ledger, Origin
from .ordering import Ordering
from .statistics import Tally
from .trees import MostTree, SumTree

Outcome = Literal["kept", "folded", "refused"]


class Holdings:
    """Entries in the first slots of fixed room. A newcomer takes the next slot, or that of one that left."""

    def __init__(
        self, fields: Mapping[str, Field], capacity: int, eviction: Eviction, random: np.random.Generator
    ) -> None:
        self.capacity, self.eviction, self.random = capacity, EVICTIONS[eviction], random
        self.contents, self.ledger = Contents(fields, capacity), Ledger(capacity)
        self.names: list[str] = []
        self.numbers: dict[str, int] = {}
        self.tallies: dict[tuple[Origin, int], Tally] = {}
        self.added = 0
        self.refill({}, self.ledger.take(slice(0)))

    def __len__(self) -> int:
        return self.sizes.total

    def tally(self, origin: Origin, round_: int) -> Tally:
        """Raises: UnknownName."""
        found = self.tallies.get((origin, round_))
        if found is None:
            if origin not in ORIGINS:
                raise UnknownName("origin", origin, ORIGINS)
            found = self.tallies[origin, round_] = Tally()
        return found

    def admit(
        self, arrays: Arrays, reward: float, task: str, origin: Origin, round_: int, seen: int = 1
    ) -> Outcome:
        """Keep an entry that was checked, fold it into its like, or refuse it."""
        tally, number = self.tally(origin, round_), self.numbers.get(task)
        if number is None:
            number = self._new_task(task)
        name = digest(number, arrays)
        slot = self.slots.get(name)
        if slot is not None:
            self._fold(slot, reward, seen)
            tally.folded += 1
            return "folded"
        slot, left = self._room(number, reward)
        if slot is None:
            tally.refused += 1
            return "refused"
        self._write(slot, name, reward, number, ORIGINS.index(origin), round_, seen)
        self.contents.put(slot, arrays)
        self.orders[number].insert(reward, slot)
        if left != number:
            self._count(number, 1)
            if left is not None:
                self._count(left, -1)
        tally.kept += 1
        return "kept"

    def whole(self, slot: int) -> tuple[Arrays, float, str, Origin, int, int]:
        """All of an entry, as `admit` takes it."""
        content = {name: array[slot].copy() for name, array in self.contents.arrays.items()}
        ledger, task = self.ledger, self.names[self.ledger.task[slot]]
        origin, round_, seen = ORIGINS[ledger.origin[slot]], ledger.round[slot], ledger.seen[slot]
        return content, ledger.reward[slot], task, origin, round_, seen

    def rank_anew(self, slot: int, score: float) -> None:
        """Move an entry to the place of another score."""
        order = self.orders[self.ledger.task[slot]]
        order.remove(self.ledger.score[slot], slot)
        self.ledger.score[slot] = score
        order.insert(score, slot)

    def refill(self, contents: Arrays, columns: dict[str, NDArray[Any]]) -> None:
        """Hold these entries instead of all others, in these slots."""
        count = len(columns["age"])
        for name, array in contents.items():
            self.contents.arrays[name][:count] = array
        self.ledger.put_first(columns)
        self.hand = 0
        self.slots = {self.ledger.digest(slot): slot for slot in range(count)}
        tasks = columns["task"]
        by_task = np.lexsort((columns["age"], columns["score"], tasks))
        ends = np.searchsorted(tasks[by_task], np.arange(len(self.names)), "right")
        self.orders = [Ordering(self.ledger.age) for _ in self.names]
        for order, slots in zip(self.orders, np.split(by_task, ends), strict=False):  # after the last: none
            order.refill(columns["score"][slots], slots)
        counts = np.array([len(order) for order in self.orders], np.int64)
        self.sizes, self.most = SumTree(counts), MostTree(counts)

    def _room(self, task: int, score: float) -> tuple[int | None, int | None]:
        """A slot for the newcomer, if there is one, and the task of the entry that left it, if one did."""
        if len(self) < self.capacity:
            return len(self), None
        slot = self.eviction(self, task, score)
        return slot, None if slot is None else self._drop(slot)

    def _drop(self, slot: int) -> int:
        ledger = self.ledger
        number: int = ledger.task[slot]
        self.orders[number].remove(ledger.score[slot], slot)
        del self.slots[ledger.digest(slot)]
        self.tally(ORIGINS[ledger.origin[slot]], ledger.round[slot]).evicted += 1
        return number

    def _write(
        self, slot: int, name: bytes, reward: float, task: int, origin: int, round_: int, seen: int
    ) -> None:
        ledger = self.ledger
        ledger.score[slot] = ledger.reward[slot] = reward
        ledger.age[slot], ledger.task[slot], ledger.seen[slot] = self.added, task, seen
        ledger.origin[slot], ledger.round[slot] = origin, round_
        ledger.put_digest(slot, name)
        self.slots[name] = slot
        self.added += 1

    def _fold(self, slot: int, reward: float, seen: int) -> None:
        self.ledger.seen[slot] += seen
        if reward != self.ledger.reward[slot]:
            self.ledger.reward[slot] = reward
            self.rank_anew(slot, reward)

    def _count(self, number: int, change: int) -> None:
        self.sizes.add(number, change)
        self.most.put(number, self.sizes[number])

    def _new_task(self, task: str) -> int:
        number = self.numbers[task] = len(self.names)
        self.names.append(task)
        self.orders.append(Ordering(self.ledger.age))
        self._count(number, 0)
        return number
