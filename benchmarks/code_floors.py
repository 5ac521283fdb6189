"""What restores code without a net: byte n-grams, xz, a denoiser that counts what stands beside a mask."""

import lzma
from collections.abc import Sequence

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from bloomery.diffusion.code.modelling.losses import masked
from bloomery.diffusion.code.modelling.model import MASK_ID
from bloomery.diffusion.code.modelling.windows import Encoded
from bloomery.diffusion.denoisers.teaching import Batch

Ints = npt.NDArray[np.int64]
Floats = npt.NDArray[np.float64]
SIDES = tuple((left, right) for left in range(3) for right in range(3))  # tokens beside a mask


def xz_bits(data: bytes, primed: bytes = b"") -> float:
    """Bits a byte of LZMA at its strongest; `primed`: of what it needs more after these bytes."""

    def size(text: bytes) -> int:
        found = [{"id": lzma.FILTER_LZMA2, "preset": 9 | lzma.PRESET_EXTREME, "dict_size": 1 << 26}]
        return len(lzma.compress(text, lzma.FORMAT_RAW, filters=found))

    return 8 * (size(primed + data) - (size(primed) if primed else 0)) / len(data)


class Counted:
    """How often each symbol came in each context, and of how many kinds the symbols of a context are."""

    def __init__(self, contexts: Ints, symbols: Ints, base: int) -> None:
        self.base = base
        self.pairs, self.of_pair = np.unique(contexts * base + symbols, return_counts=True)
        self.contexts, first, self.kinds = np.unique(
            self.pairs // base, return_index=True, return_counts=True
        )
        self.total = np.add.reduceat(self.of_pair, first)

    def smoothed(self, contexts: Ints, symbols: Ints, shorter: Floats) -> Floats:
        """p(symbol | context), of Witten and Bell: a share for new kinds, which the shorter context gives.

        Source: Witten and Bell 1991, their method C, interpolated
        """
        pair = _found(self.pairs, contexts * self.base + symbols, self.of_pair)
        total = _found(self.contexts, contexts, self.total)
        kinds = _found(self.contexts, contexts, self.kinds)
        known = np.maximum(total + kinds, 1)
        return np.where(total > 0, (pair + kinds * shorter) / known, shorter)


def _found(keys: Ints, wanted: Ints, values: Ints) -> Ints:
    """The value of each key; 0 of one that is not there."""
    at = np.searchsorted(keys, wanted).clip(max=len(keys) - 1)
    return np.where(keys[at] == wanted, values[at], 0)


def ngram_bits(train: Sequence[bytes], test: Sequence[bytes], order: int) -> float:
    """Bits a byte of test files, by counts of training files alone, each file by itself.

    Bytes before a file's first are a symbol of their own. `order` is at most 6: a context is one number.
    """
    p = np.full(sum(map(len, test)), 1 / 256)
    for length in range(order):
        counted = Counted(*_contexts(train, length), 256)
        p = counted.smoothed(*_contexts(test, length), p)
    return float(-np.log2(p).mean())


def _contexts(files: Sequence[bytes], length: int) -> tuple[Ints, Ints]:
    """The `length` bytes before each byte, as one number in base 257, and the bytes."""
    contexts, symbols = list[Ints](), list[Ints]()
    for data in files:
        row = np.frombuffer(data, np.uint8).astype(np.int64)
        padded = np.concatenate([np.full(length, 256), row])
        context = np.zeros(len(row), np.int64)
        for step in range(length):
            context = context * 257 + padded[step : step + len(row)]
        contexts.append(context)
        symbols.append(row)
    return np.concatenate(contexts), np.concatenate(symbols)


class CountingDenoiser:
    """A mask's token by the tokens beside it: up to two on each side, as far as no mask stands there.

    From the longest context back to none, as Witten and Bell do, by the steps of `chain`.
    """

    def __init__(self, files: Sequence[Encoded], vocabulary: int) -> None:
        self.base = vocabulary + 1  # the last one: nothing stands there
        rows = [np.concatenate([file.header, file.body]) for file in files]
        skipped = [len(file.header) for file in files]
        self.counts = {sides: self._counted(rows, skipped, sides) for sides in SIDES}

    def cost(self, batch: Batch, share: Tensor, generator: torch.Generator) -> Tensor:
        """One draw of the masked bound, as `bits_per_byte` takes it."""
        x, count = masked(batch["x"], batch["mask"], share, generator)
        hidden = (x == MASK_ID).numpy()
        nats = np.zeros(hidden.shape)
        nats[hidden] = -np.log(self._chances(x.numpy(), batch["x"].numpy()[hidden], hidden))
        return torch.from_numpy(nats).sum(-1) * (batch["mask"].sum(-1) / count)

    def _chances(self, x: Ints, truth: Ints, hidden: npt.NDArray[np.bool_]) -> Floats:
        near = {at: one[hidden] for at, one in self._near(np.where(x == MASK_ID, -1, x)).items()}
        left, right = (np.where(near[side] < 0, 0, np.where(near[2 * side] < 0, 1, 2)) for side in (-1, 1))
        p = np.empty(len(truth))
        for sides in SIDES:
            some = (left == sides[0]) & (right == sides[1])
            part, found = {at: one[some] for at, one in near.items()}, np.full(some.sum(), 1 / self.base)
            for step in chain(*sides):
                found = self.counts[step].smoothed(self._key(part, step), truth[some], found)
            p[some] = found
        return p

    def _near(self, x: Ints) -> dict[int, Ints]:
        """The tokens at each distance. Shapes: (..., L) -> four times the same"""
        wide = np.pad(x, [(0, 0)] * (x.ndim - 1) + [(2, 2)], constant_values=self.base - 1)
        return {at: wide[..., 2 + at : 2 + at + x.shape[-1]] for at in (-2, -1, 1, 2)}

    def _counted(self, rows: Sequence[Ints], skipped: Sequence[int], sides: tuple[int, int]) -> Counted:
        keys, symbols = list[Ints](), list[Ints]()
        for row, first in zip(rows, skipped, strict=True):
            keys.append(self._key(self._near(row), sides)[first:])
            symbols.append(row[first:])
        return Counted(np.concatenate(keys), np.concatenate(symbols), self.base)

    def _key(self, near: dict[int, Ints], sides: tuple[int, int]) -> Ints:
        key = np.zeros(len(near[1]), np.int64)
        for at in (*range(-sides[0], 0), *range(1, sides[1] + 1)):
            key = key * self.base + near[at]
        return key


def chain(left: int, right: int) -> list[tuple[int, int]]:
    """From no context to so much of it on each side, a token more at a time, the shorter side first."""
    found, a, b = [(0, 0)], 0, 0
    while (a, b) != (left, right):
        a, b = (a + 1, b) if a < left and (a <= b or b == right) else (a, b + 1)
        found.append((a, b))
    return found
