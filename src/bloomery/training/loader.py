"""Batches in an order that is a function of the seed, so that any position can be taken up again exactly."""

from collections.abc import Callable, Iterator, Sequence
from typing import Any, Protocol

import torch
from torch.utils.data import DataLoader, default_collate

MOST_SHUFFLED = 2**27  # the order of an epoch is held in memory


class Dataset(Protocol):
    """Examples by index; an example must depend on its index alone (and the epoch, of a loader of visits)."""

    def __len__(self) -> int: ...

    def __getitem__(self, index: Any, /) -> Any: ...


class Loader:
    """Endless micro-batches, shuffled anew each epoch by its own generator; a short last batch is dropped.

    With `visits` the data set is asked for (epoch, index) instead of index: what it draws at random for an
    example may be a function of both, and so the same with any number of workers.

    Differs: the generator is seeded by (seed, epoch) instead of running on, so its state is its
    place in the epoch. What workers have prefetched but nobody has seen never counts.
    """

    def __init__(
        self,
        dataset: Dataset,
        batch_size: int,
        *,
        seed: int = 0,
        shuffle: bool = True,
        collate: Callable[[list[Any]], Any] = default_collate,
        workers: int = 0,
        pin_memory: bool = False,
        visits: bool = False,
    ) -> None:
        if not 0 < batch_size <= len(dataset):
            raise ValueError(
                f"a batch of {batch_size} cannot be drawn from a data set of {len(dataset)} examples"
            )
        if shuffle and len(dataset) > MOST_SHUFFLED:
            raise ValueError(f"{len(dataset)} examples are too many to shuffle; a stream takes shuffle=False")
        self.dataset = dataset
        self.batch_size = batch_size
        self.seed = seed
        self.shuffle = shuffle
        self.collate = collate
        self.workers = workers
        self.pin_memory = pin_memory
        self.visits = visits
        self.batches = 0
        self._rank, self._world = 0, 1
        self._stream: Iterator[Any] | None = None

    def __len__(self) -> int:
        """Micro-batches in an epoch."""
        return len(self.dataset) // self.batch_size

    def __iter__(self) -> "Loader":
        return self

    def __next__(self) -> Any:
        if self._stream is None:
            self._stream = self._open()
        batch = next(self._stream)
        self.batches += self._world
        return batch

    def shard(self, rank: int, world: int) -> None:
        """Takes every `world`-th micro-batch, from number `rank` on: the processes share one order."""
        self._rank, self._world, self._stream = rank, world, None

    def state_dict(self) -> dict[str, Any]:
        epoch, batch = divmod(self.batches, len(self))
        return {**self._order_of(), "epoch": epoch, "examples_seen": batch * self.batch_size}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Goes to a saved position, also with a smaller batch that divides the saved one.

        Raises: ValueError when the order that was saved is not the order of this loader.
        """
        for name, mine in self._order_of().items():
            if state[name] != mine:
                raise ValueError(f"the saved loader has {name} = {state[name]}, this one has {mine}")
        if state["examples_seen"] % self.batch_size:
            raise ValueError(
                f"{state['examples_seen']} examples were seen, no multiple of a batch of {self.batch_size}"
            )
        self.batches = state["epoch"] * len(self) + state["examples_seen"] // self.batch_size
        self._stream = None

    def _order_of(self) -> dict[str, Any]:
        return {"seed": self.seed, "shuffle": self.shuffle, "examples": len(self.dataset)}

    def _open(self) -> Iterator[Any]:
        if not self.workers and not self.pin_memory:
            return (self.collate([self.dataset[i] for i in indices]) for indices in self._indices())
        # A DataLoader draws its workers' base seed from the global generator unless it has one of its own.
        loader: DataLoader[Any] = DataLoader(
            self.dataset,  # type: ignore[arg-type]
            batch_sampler=self._indices(),
            collate_fn=self.collate,
            num_workers=self.workers,
            pin_memory=self.pin_memory,
            generator=torch.Generator().manual_seed(self.seed),
        )
        return iter(loader)

    def _indices(self) -> Iterator[list[Any]]:
        number = self.batches + self._rank
        epoch = -1
        order: Sequence[int] = ()
        while True:
            if number // len(self) != epoch:
                epoch = number // len(self)
                order = self._order(epoch)
            start = number % len(self) * self.batch_size
            indices = order[start : start + self.batch_size]
            yield [(epoch, index) for index in indices] if self.visits else list(indices)
            number += self._world

    def _order(self, epoch: int) -> Sequence[int]:
        if not self.shuffle:
            return range(len(self.dataset))
        generator = torch.Generator().manual_seed((self.seed * 1_000_003 + epoch) % 2**63)
        return torch.randperm(len(self.dataset), generator=generator).tolist()
