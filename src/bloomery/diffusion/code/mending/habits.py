"""Which of several mended texts is likelier: by what usually stands beside what."""

import functools
import math
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from itertools import pairwise

import torch

from bloomery.diffusion.code.lexemes.arranging import LAYOUT, Item, arrange
from bloomery.diffusion.code.lexemes.lexicons import Lexicon, lexicon
from bloomery.diffusion.code.lexemes.lexing import lexed
from bloomery.diffusion.code.lexemes.spacing import Counts, Spacing, name
from bloomery.diffusion.code.lexemes.tokenizer import style_of
from bloomery.diffusion.code.modelling.model import MASK_ID, CodeModel
from bloomery.diffusion.code.tasks.catalogue import OPERATIONS
from bloomery.diffusion.code.tasks.operation import Step
from bloomery.diffusion.code.tasks.writing import write

Likelihood = Callable[[str, str], float]  # a text and its language -> the higher the likelier
_OUTSIDE = "<outside>"
_SHARES = (0.6, 0.3, 0.1)  # of what two, one and no lexemes before say
_LEAST = 1e-4  # the chance of what was never seen
_AROUND, _FAR = 4, 96  # tokens of a model that are asked about, and those it sees, to each side of a change


class Habits:
    """Counts of three lexemes side by side, names and literals by their kind; layout of lines included."""

    def __init__(self) -> None:
        self.counts: list[Counter[tuple[str, ...]]] = [Counter() for _ in range(4)]
        self.pairs: Counter[tuple[str, str]] = Counter()

    @classmethod
    def of(cls, texts: Iterable[tuple[str, str]]) -> "Habits":
        """From texts with the names of their languages.

        Raises: UnknownName.
        """
        found = cls()
        for text, language in texts:
            found.learn(text, language)
        return found

    def learn(self, text: str, language: str) -> None:
        names = [_OUTSIDE, _OUTSIDE, *_names(text, language), _OUTSIDE]
        for size in range(4):
            ends = range(2 + (size > 0), len(names) + 1)
            self.counts[size].update(tuple(names[at - size : at]) for at in ends)
        self.pairs.update(pairwise(_texts(text, language)))

    def familiar(self, text: str, language: str) -> float:
        """How often its lexemes, names as they are, stood side by side: it tells one name from another."""
        return sum(math.log1p(self.pairs[pair]) for pair in pairwise(_texts(text, language)))

    def likelihood(self, text: str, language: str) -> float:
        """The sum of log probabilities of its lexemes, each by the two before it, in nats."""
        names = [_OUTSIDE, _OUTSIDE, *_names(text, language), _OUTSIDE]
        return sum(math.log(self._chance(names[at - 2 : at + 1])) for at in range(2, len(names)))

    def _chance(self, names: Sequence[str]) -> float:
        """Source: Jelinek and Mercer 1980, interpolated estimates"""
        found = _LEAST
        for share, size in zip(_SHARES, (3, 2, 1), strict=True):
            before = self.counts[size - 1][tuple(names[3 - size : 2])]
            if before:
                found += share * self.counts[size][tuple(names[3 - size :])] / before
        return found

    def seldom(self, named: str) -> float:
        """Minus the log of how often it stands anywhere, in nats."""
        return -math.log(_LEAST + self.counts[1][named,] / max(self.counts[0][()], 1))


@functools.lru_cache(maxsize=8)
def usual(language: str) -> tuple[tuple[str, ...], Counts]:
    """Small programs of the language, and how they are spaced: what is known before any text is seen."""
    texts = tuple(
        write((Step(each.name, 2 if each.has_parameter else None),), language).source  # type: ignore[arg-type]
        for each in OPERATIONS.values()
    )
    counts, known = Counts(), lexicon(language)
    for text in texts:
        arrange(text, known, Spacing(), style_of(text, known), counts)
    return texts, counts


def usual_habits(text: str, language: str) -> Habits:
    """Those of the usual programs and of the text itself."""
    return Habits.of([*((each, language) for each in usual(language)[0]), (text, language)])


def by_model(model: CodeModel, text: str) -> Likelihood:
    """What a code model says of the tokens around the place where a text differs from `text`.

    The sum of each token's log probability when it alone is masked (its pseudo-likelihood), in nats.
    Source: arXiv 1910.14659 (masked language model scoring)
    """

    def likelihood(other: str, language: str) -> float:
        before, after = (model.tokenizer.encode(each.encode(), language) for each in (text, other))
        first = _alike(before, after)
        last = len(after) - _alike(before[first:][::-1], after[first:][::-1])
        since, until = max(first - _FAR, 0), min(last + _FAR, len(after))
        places = range(max(first - _AROUND, since), min(last + _AROUND, until))
        rows = torch.tensor([after[since:until]] * len(places))
        asked = torch.tensor([place - since for place in places])
        each = torch.arange(len(places))
        told = rows[each, asked]
        rows[each, asked] = MASK_ID
        with torch.no_grad():
            said = model.logits(rows, language=language)[each, asked].double()
        said[:, MASK_ID] = -torch.inf
        return float(said.log_softmax(-1)[each, told].sum())

    return likelihood


def _alike(one: Sequence[int], other: Sequence[int]) -> int:
    """How many are the same from the first on."""
    found = 0
    for left, right in zip(one, other, strict=False):
        if left != right:
            break
        found += 1
    return found


def _names(text: str, language: str) -> list[str]:
    known, raw = lexicon(language), text.encode("utf-8", "surrogateescape").decode("latin-1")
    return [
        named(item, known) for item in arrange(raw, known, Spacing(), style_of(raw, known)) if _counts(item)
    ]


def _texts(text: str, language: str) -> list[str]:
    raw = text.encode("utf-8", "surrogateescape").decode("latin-1")
    return [lexeme.text for lexeme in lexed(raw, lexicon(language))[0]]


def _counts(item: Item) -> bool:
    return item.shape not in {"space", "edge", "line", "comment", "block"}


def named(item: Item, known: Lexicon) -> str:
    """By its kind: layout too."""
    return f"<{item.shape}>" if item.shape in LAYOUT else name(item.shape, item.text, known)
