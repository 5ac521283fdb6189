"""A program on a canvas: its sketch, its head, its steps and its tail, each in a region of its own.

What a step is written as depends on nothing but the step and its number, and a place is told by its region
and where in it it is: so what is learned of a step in one composition holds in every other. The sketch says
how long the steps are. What is left over of a head or tail is padding, which is no part of a program's text.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property

import torch
from torch import Tensor
from torch.nn.utils.rnn import pad_sequence

from bloomery.core.errors import UserError
from bloomery.diffusion.code.lexemes.vocabulary import MASK, PAD, SPECIAL
from bloomery.diffusion.code.tasks.interpreting import MOST_DEPTH
from bloomery.diffusion.code.tasks.operation import PARAMETERS, Meaning

PAD_ID, MASK_ID = SPECIAL.index(PAD), SPECIAL.index(MASK)
OPENING = 2  # tokens that open every canvas: language and indentation
SKETCH = 2 * MOST_DEPTH  # tokens: each step's operation and its number
REGIONS = 4 + MOST_DEPTH  # what is given, the sketch, the head, steps, the tail
Regions = Sequence[Sequence[int]]  # tokens of the head, of each step, of the tail


@dataclass(frozen=True)
class Sketches:
    """Tokens of sketches, behind those of the tokenizer: operations by name, then the numbers."""

    first: int
    operations: tuple[str, ...]

    def __len__(self) -> int:
        return len(self.operations) + len(PARAMETERS)

    @cached_property
    def ids(self) -> dict[str | int, int]:
        return {one: self.first + at for at, one in enumerate((*self.operations, *PARAMETERS))}

    @cached_property
    def names(self) -> dict[int, str]:
        return {self.first + at: name for at, name in enumerate(self.operations)}

    def steps(self, tokens: Sequence[int]) -> list[str]:
        """The operations of a sketch up to where it names none."""
        found = [self.names.get(token) for token in tokens[::2]]
        ends = found.index(None) if None in found else len(found)
        return [name for name in found[:ends] if name is not None]

    def numbers(self, names: Sequence[str]) -> list[int]:
        """The operations' own numbers, from 1."""
        return [self.ids[name] - self.first + 1 for name in names]

    def encode(self, meaning: Meaning) -> list[int]:
        found = [token for name, k in meaning for token in (self.ids[name], self.ids[k] if k else PAD_ID)]
        return found + [PAD_ID] * (SKETCH - len(found))


@dataclass(frozen=True)
class Layout:
    """Sizes of one language's regions, in tokens; `given` are those that open every canvas.

    A step's size is that of its operation, for whatever number and in whatever place.
    """

    given: tuple[int, ...]
    head: int
    steps: Mapping[str, int]
    tail: int

    @property
    def begin(self) -> int:
        """Where the program begins."""
        return OPENING + SKETCH

    def sizes(self, names: Sequence[str]) -> tuple[int, ...]:
        """Of all regions of a program with these operations."""
        steps = [self.steps[name] for name in names]
        return (OPENING, SKETCH, self.head, *steps, *[0] * (MOST_DEPTH - len(steps)), self.tail)

    def canvas(self, sketch: Sequence[int], regions: Regions, names: Sequence[str]) -> list[int]:
        """Raises: UserError for a region that its place does not hold."""
        head, *steps, tail = regions
        rows, sizes = (
            [self.given, sketch, head, *steps, *[()] * (MOST_DEPTH - len(steps)), tail],
            self.sizes(names),
        )
        if any(len(row) > size for row, size in zip(rows, sizes, strict=True)):
            raise UserError(f"regions of {[len(row) for row in rows]} tokens do not fit {sizes}")
        pairs = zip(rows, sizes, strict=True)
        return [token for row, size in pairs for token in (*row, *[PAD_ID] * (size - len(row)))]


def places(
    sizes: Sequence[Sequence[int]], operations: Sequence[Sequence[int]] | None = None
) -> dict[str, Tensor]:
    """Of rows of canvases: the region of each place, which place of it it is, the operation that is written
    there (numbers of `Sketches.operations`; 0: none), and where a canvas ended.

    Shapes: -> lines, indents, scopes, seen (B, L)
    """
    told = [_by_region(row) for row in operations] if operations else [[0] * len(row) for row in sizes]
    written = [
        torch.tensor([one for one, size in zip(of, row, strict=True) for _ in range(size)])
        for of, row in zip(told, sizes, strict=True)
    ]
    regions = [torch.tensor([at for at, size in enumerate(row) for _ in range(size)]) for row in sizes]
    within = [torch.tensor([place for size in row for place in range(size)]) for row in sizes]
    lengths = torch.tensor([sum(row) for row in sizes])
    return {
        "lines": pad_sequence(regions, batch_first=True),
        "indents": pad_sequence(within, batch_first=True),
        "scopes": pad_sequence(written, batch_first=True),
        "seen": torch.arange(int(lengths.max())) < lengths[:, None],
    }


def _by_region(operations: Sequence[int]) -> list[int]:
    """The head is written as the first operation asks, the tail as the last one does."""
    steps = [*operations, *[0] * (MOST_DEPTH - len(operations))]
    first, last = (operations[0], operations[-1]) if operations else (0, 0)
    return [0, 0, first, *steps, last]
