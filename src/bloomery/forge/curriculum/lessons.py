"""What a model learns from while it climbs: solutions of this rung, and of those that it left behind."""

import random
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from typing import Any, Literal

import torch
from transformers import PreTrainedTokenizerBase

from bloomery.core.errors import ConfigError
from bloomery.tasks.batches import Row, length_of, pieces, row_of
from bloomery.tasks.task import Example

Kind = Literal["solution", "replay", "dream", "self"]
MOST = 4096  # of each kind; the oldest go


@dataclass(frozen=True)
class Lesson:
    """A prompt with the text that is learned as its answer, whoever wrote it; `hints` were given for it."""

    prompt: str
    answer: str
    difficulty: int
    worked: tuple[tuple[int, int], ...] = ()
    hints: int = 0

    def example(self) -> Example:
        return Example(self.prompt, self.answer, self.difficulty, self.worked)


def lesson(example: Example, answer: str, hints: int = 0) -> Lesson:
    return Lesson(example.prompt, answer, example.difficulty, example.worked, hints)


def fits(example: Example, tokenizer: PreTrainedTokenizerBase, room: int) -> bool:
    """Whether a problem with its answer is no longer than a row of so many tokens."""
    return length_of(pieces(example, tokenizer)) <= room


@dataclass
class Book:
    """Lessons by their kind, and how often each kind is drawn."""

    shares: dict[Kind, float]
    pages: dict[Kind, list[Lesson]] = field(
        default_factory=lambda: {"solution": [], "replay": [], "dream": [], "self": []}
    )

    def add(self, kind: Kind, lessons: Sequence[Lesson]) -> None:
        self.pages[kind] = [*self.pages[kind], *lessons][-MOST:]

    def draw(self, rng: random.Random) -> Lesson:
        """A kind by its share, among those that hold something, and one of its lessons.

        Raises: ConfigError where none does.
        """
        kinds = [kind for kind, share in self.shares.items() if share > 0 and self.pages[kind]]
        if not kinds:
            raise ConfigError("nothing that the model solved fits a row: raise fit.seq_len")
        (kind,) = rng.choices(kinds, [self.shares[kind] for kind in kinds])
        return rng.choice(self.pages[kind])

    def leave_behind(self, rng: random.Random, count: int) -> None:
        """The rung is done: so many of its solutions are replayed from now on."""
        done = self.pages["solution"]
        self.add("replay", rng.sample(done, min(count, len(done))))
        self.pages["solution"] = []

    def state_dict(self) -> dict[str, Any]:
        pages = {kind: [_plain(one) for one in lessons] for kind, lessons in self.pages.items()}
        return {"shares": dict(self.shares), "pages": pages}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        self.shares = dict(state["shares"])
        self.pages = {kind: [lesson_of(one) for one in lessons] for kind, lessons in state["pages"].items()}


class Lessons(torch.utils.data.Dataset[Row]):
    """A book as rows: item i is drawn by the seed, i and what the book holds when it is drawn."""

    def __init__(
        self, book: Book, tokenizer: PreTrainedTokenizerBase, *, seq_len: int, seed: int, length: int
    ) -> None:
        self.book, self.tokenizer, self.seq_len = book, tokenizer, seq_len
        self.seed, self.length = seed, length

    def __len__(self) -> int:
        return self.length

    def __getitem__(self, index: int) -> Row:
        if not 0 <= index < self.length:
            raise IndexError(f"item {index} of {self.length}")
        drawn = self.book.draw(random.Random(f"lessons/{self.seed}/{index}"))
        return row_of(drawn.example(), self.tokenizer, self.seq_len)


def _plain(one: Lesson) -> dict[str, Any]:
    return asdict(one) | {"worked": [list(part) for part in one.worked]}


def lesson_of(values: dict[str, Any]) -> Lesson:
    return Lesson(**{**values, "worked": tuple((start, stop) for start, stop in values["worked"])})
