"""Canonical programs as regions of tokens, and layouts that hold them."""

import random
from collections import defaultdict
from collections.abc import Iterator, Mapping
from functools import cache

from bloomery.core.errors import Failure
from bloomery.diffusion.code.judging.program import LANGUAGES, Language
from bloomery.diffusion.code.lexemes.arranging import LAYOUT
from bloomery.diffusion.code.lexemes.places import places
from bloomery.diffusion.code.lexemes.tokenizer import LexemeTokenizer
from bloomery.diffusion.code.prompting.layout import OPENING, Layout, Regions
from bloomery.diffusion.code.tasks.catalogue import OPERATIONS
from bloomery.diffusion.code.tasks.operation import PARAMETERS, Meaning, Step
from bloomery.diffusion.code.tasks.sampling import compose
from bloomery.diffusion.code.tasks.writing import Parts, parts

SIZE, DRAWN = 2048, 150  # of the vocabulary at most; compositions of each depth that it is trained on


class Cutting:
    """Parts of the same text are encoded once."""

    def __init__(self, tokenizer: LexemeTokenizer) -> None:
        self.tokenizer = tokenizer
        self.known: dict[tuple[Language, str], tuple[int, ...]] = {}

    def regions(self, meaning: Meaning, language: Language) -> Regions:
        whole = parts(meaning, language)
        keys = [(language, text) for text in (whole.head, *whole.steps, whole.tail)]
        if any(key not in self.known for key in keys):
            self.known.update(zip(keys, self._cut(whole, language), strict=True))
        return [self.known[key] for key in keys]

    def _cut(self, whole: Parts, language: Language) -> Iterator[tuple[int, ...]]:
        """A line's end goes with the line, whatever follows."""
        tokens = self.tokenizer.encode(whole.source.encode(), language)
        lines = places(self.tokenizer, tokens)[:, 0]
        ends = _ends(whole)
        rows: list[list[int]] = [[] for _ in ends]
        region = 0
        for token, line in list(zip(tokens, lines, strict=True))[OPENING:]:
            entry = self.tokenizer.vocabulary.entry(token)
            is_layout = not isinstance(entry, str) and entry.shape in LAYOUT
            while not is_layout and region < len(ends) - 1 and line >= ends[region]:
                region += 1
            rows[region].append(token)
        return map(tuple, rows)


def _ends(whole: Parts) -> list[int]:
    """The line after each part."""
    texts = (whole.head, *whole.steps, whole.tail)
    return [sum(text.count("\n") for text in texts[: number + 1]) for number in range(len(texts))]


def given(tokenizer: LexemeTokenizer, language: Language) -> tuple[int, ...]:
    """The tokens that every program of a language opens with: its name, its indentation."""
    return tuple(tokenizer.encode(b"", language)[:OPENING])


@cache
def prepared(seed: int = 0) -> tuple[LexemeTokenizer, Mapping[Language, Layout]]:
    """A tokenizer of generated programs, and layouts that hold every program of the grammar."""
    meanings = _sample(seed)
    texts = [(parts(one, language).source.encode(), language) for one in meanings for language in LANGUAGES]
    tokenizer = LexemeTokenizer.trained(texts, size=SIZE)
    cutting = Cutting(tokenizer)
    layouts = {}
    for language in LANGUAGES:
        cut = {one: cutting.regions(one, language) for one in meanings}
        layouts[language] = _holding(given(tokenizer, language), cut)
    return tokenizer, layouts


def _sample(seed: int) -> list[Meaning]:
    """Every operation, every number, and compositions for training."""
    rng = random.Random(f"vocabulary {seed}")
    singles = [
        (Step(one.name, PARAMETERS[at % len(PARAMETERS)] if one.has_parameter else None),)
        for at, one in enumerate(OPERATIONS.values())
    ]
    drawn = [compose(depth, "train", rng, plain=False) for depth in (2, 3) for _ in range(DRAWN)]
    return [*singles, *drawn]


def _holding(opening: tuple[int, ...], cut: Mapping[Meaning, Regions]) -> Layout:
    """Raises: Failure where a step's length is not that of its operation."""
    steps: dict[str, set[int]] = defaultdict(set)
    for meaning, (_, *regions, _) in cut.items():
        for step, region in zip(meaning, regions, strict=True):
            steps[step.name].add(len(region))
    uneven = {name: found for name, found in steps.items() if len(found) > 1}
    if uneven:
        raise Failure(f"steps are of one length wherever they stand; these are not: {uneven}")
    return Layout(
        opening,
        max(len(head) for head, *_ in cut.values()),
        {name: next(iter(found)) for name, found in steps.items()},
        max(len(tail) for *_, tail in cut.values()),
    )
