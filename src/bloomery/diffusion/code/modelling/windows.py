"""Files as tokens, and windows of them that begin where lines do, each with its language told first."""

from collections.abc import Iterable, Sequence
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from bloomery.core.errors import UserError
from bloomery.diffusion.code.lexemes.arranging import LAYOUT
from bloomery.diffusion.code.lexemes.lexicons import LEXICONS
from bloomery.diffusion.code.lexemes.places import places
from bloomery.diffusion.code.lexemes.tokenizer import LexemeTokenizer
from bloomery.diffusion.code.lexemes.vocabulary import CRLF, END, PAD, SPECIAL, UNITS
from bloomery.diffusion.code.modelling.files import File

PAD_ID, END_ID = SPECIAL.index(PAD), SPECIAL.index(END)
HEADERS = len(LEXICONS) * len(UNITS) * 2  # language, indentation, line ends: so many headers there are
_ENDS_LINE = frozenset({"newline", "line", "nl"})

Ids = npt.NDArray[np.int64]


class Encoded(NamedTuple):
    """A file: its header, all else up to the end token, and where in that lines begin."""

    header: Ids
    body: Ids
    starts: Ids
    size_bytes: int


class Window(NamedTuple):
    """tokens: header and a part of the body. shown: how many of them are given, not to be guessed."""

    tokens: Ids
    shown: int


def encode(tokenizer: LexemeTokenizer, files: Iterable[File]) -> list[Encoded]:
    return [encoded(tokenizer, file) for file in files]


def encoded(tokenizer: LexemeTokenizer, file: File) -> Encoded:
    tokens = [*tokenizer.encode(file.data, file.language), END_ID]
    header = 3 if SPECIAL.index(CRLF) in tokens[:3] else 2
    starts = np.array(line_starts(tokenizer, tokens[:-1]), np.int64) - header
    row = np.array(tokens, np.int64)
    return Encoded(row[:header], row[header:], starts, len(file.data))


def line_starts(tokenizer: LexemeTokenizer, tokens: Sequence[int]) -> list[int]:
    """The first token of each line, what ends and begins blocks there included."""
    lines = places(tokenizer, tokens)[:, 0].tolist()
    found, since, last = list[int](), 0, -1
    for item, start, stop in tokenizer.spans(tokens):
        if item.shape == "special" or item.shape in _ENDS_LINE:
            since = stop
        elif item.shape not in LAYOUT:
            if lines[start] > last:
                found.append(since)
            last, since = lines[start] + item.text.count("\n"), stop
    return found


def cut(file: Encoded, length: int) -> list[Window]:
    """A file in windows of at most `length` tokens: every token of its body once, breaks where lines begin.

    Raises: UserError for windows without room.
    """
    room, found, start = room_of(file, length), list[Window](), 0
    while start < len(file.body):
        stop = min(start + room, len(file.body))
        if stop < len(file.body):
            first = file.starts[: np.searchsorted(file.starts, stop, side="right")]
            stop = int(first[-1]) if len(first) and first[-1] > start else stop  # a line that is longer
        found.append(Window(np.concatenate([file.header, file.body[start:stop]]), len(file.header)))
        start = stop
    return found


def room_of(file: Encoded, length: int) -> int:
    if length < 16:
        raise UserError(f"a window of {length} tokens has no room for code; it holds 16 or more")
    return length - len(file.header)


class Windows:
    """Windows to learn from: each visit to an index draws another one, of nearly the same part of the code.

    An epoch has about as many windows as all tokens fill. Shapes of a batch: x, mask and seen (B, length);
    masks fall where `mask` is true, padding is where `seen` is not.
    """

    def __init__(self, files: Sequence[Encoded], length: int, seed: int = 0) -> None:
        self.files, self.length, self.seed = list(files), length, seed
        pieces = [-(-len(file.body) // room_of(file, length)) for file in self.files]
        self.ends = np.cumsum(pieces)

    def __len__(self) -> int:
        return int(self.ends[-1])

    def __getitem__(self, index: Any, /) -> Any:
        return index

    def window(self, epoch: int, index: int) -> Window:
        """One that begins at the line that is drawn around the index's part."""
        at = int(np.searchsorted(self.ends, index, side="right"))
        file = self.files[at]
        part, room = index - (int(self.ends[at - 1]) if at else 0), room_of(file, self.length)
        offset = np.random.default_rng((self.seed, epoch, index)).random() - 0.5
        place = min(max((part + offset) * room, 0), max(len(file.body) - room, 0))
        line = max(int(np.searchsorted(file.starts, place, side="right")) - 1, 0)
        start = int(file.starts[line]) if len(file.starts) else 0
        body = file.body[start : start + room]
        return Window(np.concatenate([file.header, body]), len(file.header))

    def drawn(self, visits: Sequence[tuple[int, int]]) -> dict[str, Tensor]:
        """A batch of (epoch, index)."""
        return batched([self.window(*visit) for visit in visits], self.length)


def batched(windows: Sequence[Window], length: int) -> dict[str, Tensor]:
    """Shapes: x, mask, seen (B, length)"""
    x = torch.full((len(windows), length), PAD_ID)
    mask = torch.zeros(len(windows), length, dtype=torch.bool)
    for row, (tokens, shown) in enumerate(windows):
        x[row, : len(tokens)] = torch.from_numpy(tokens)
        mask[row, shown : len(tokens)] = True
    return {"x": x, "mask": mask, "seen": x != PAD_ID}
