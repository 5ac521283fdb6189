"""Bits a byte: what a model needs to restore files exactly, everything counted.

The tokens of the bodies and the end of each file cost what the model's bound says. Beside them each file's
header (language, indentation, line ends) costs one of so many that there are, and each window's length one of
so many that it may have: with these, and the order of the tokens, a decoder has all it needs.
"""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from bloomery.core.errors import UserError
from bloomery.diffusion.code.modelling.losses import bounds, spread
from bloomery.diffusion.code.modelling.model import CodeModel
from bloomery.diffusion.code.modelling.windows import HEADERS, Encoded, Window, batched, cut
from bloomery.diffusion.denoisers.teaching import Batch

Cost = Callable[[Batch, Tensor, torch.Generator], Tensor]  # windows, shares (B,) -> nats of each (B,)
Tell = Callable[[int, int], None]


@dataclass(frozen=True)
class Bits:
    """bits_per_byte: the mean over the draws; error: its standard error by the draws, of the files as given.

    Of an exact cost there is one draw and no error.
    """

    bits_per_byte: float
    error: float
    draws: int
    files: int
    size_bytes: int
    tokens: int
    windows: int

    @property
    def bits_per_token(self) -> float:
        return self.bits_per_byte * self.size_bytes / self.tokens


def told_bits(files: int, windows: int, length: int) -> float:
    """What headers and the lengths of windows cost."""
    return files * math.log2(HEADERS) + windows * math.log2(length)


@torch.no_grad()
def bits_per_byte(
    cost: Cost,
    files: Sequence[Encoded],
    length: int,
    *,
    draws: int = 20,
    batch: int = 32,
    seed: int = 0,
    tell: Tell | None = None,
) -> Bits:
    """Each draw masks every window of every file once, with shares spread evenly over all the windows.

    Raises: UserError without files.
    """
    if not files:
        raise UserError("bits a byte are of files; none was given")
    windows = sorted((one for file in files for one in cut(file, length)), key=lambda one: len(one.tokens))
    generator = torch.Generator().manual_seed(seed)
    totals = list[float]()
    for draw in range(draws):
        totals.append(_nats(cost, windows, batch, generator))
        if tell:
            tell(draw + 1, draws)
    size, told = sum(file.size_bytes for file in files), told_bits(len(files), len(windows), length)
    found = (torch.tensor(totals, dtype=torch.float64) / math.log(2) + told) / size
    error = float(found.std() / math.sqrt(draws)) if draws > 1 else 0.0
    tokens = sum(len(file.header) + len(file.body) for file in files)
    return Bits(float(found.mean()), error, draws, len(files), size, tokens, len(windows))


def bound_of(model: CodeModel) -> Cost:
    """The masked bound, as `bits_per_byte` takes it."""

    def cost(batch: Batch, share: Tensor, generator: torch.Generator) -> Tensor:
        return bounds(model.net, model.tokenizer, batch, share, generator)

    return cost


def _nats(cost: Cost, windows: Sequence[Window], batch: int, generator: torch.Generator) -> float:
    share, total = spread(len(windows), generator), 0.0
    for start in range(0, len(windows), batch):
        part = windows[start : start + batch]
        rows = batched(part, max(len(one.tokens) for one in part))
        total += float(cost(rows, share[start : start + len(part)], generator).double().sum())
    return total
