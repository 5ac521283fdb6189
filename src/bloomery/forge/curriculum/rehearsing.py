"""The recipe's own rows among a training's, so that what they teach, and thinking, is not lost on the way."""

import random
from dataclasses import dataclass

import torch
from transformers import PreTrainedTokenizerBase

from bloomery.core.errors import ConfigError
from bloomery.forge.data import training_rows
from bloomery.forge.quietstar.rows import ThoughtRows
from bloomery.forge.stages.curriculum import CurriculumStageConfig
from bloomery.tasks.batches import Row
from bloomery.training.loader import Dataset

LOOKED_AT = 256  # rows, beside the hardest of each task, to see whether they fit


class Rehearsed(torch.utils.data.Dataset[Row]):
    """Another data set, a share of whose items give way to rows to remember; the seed and i decide which."""

    def __init__(self, inner: Dataset, remembered: Dataset, share: float, *, seed: int) -> None:
        self.inner, self.remembered, self.share, self.seed = inner, remembered, share, seed

    def __len__(self) -> int:
        return len(self.inner)

    def __getitem__(self, index: int) -> Row:
        if 0 <= index < len(self) and self.remembers(index):
            return self.remembered[index % len(self.remembered)]
        drawn: Row = self.inner[index]
        return drawn

    def remembers(self, index: int) -> bool:
        return random.Random(f"rehearsal/{self.seed}/{index}").random() < self.share


@dataclass(frozen=True)
class Rehearsal:
    """The rows that are remembered, and how many of a training's they are; none: nothing is rehearsed."""

    rows: Dataset | None
    share: float
    seed: int

    def among(self, lessons: Dataset) -> Dataset:
        """The lessons themselves, where nothing is rehearsed."""
        if self.rows is None:
            return lessons
        return Rehearsed(lessons, self.rows, self.share, seed=self.seed)


def rehearsal_of(
    config: CurriculumStageConfig,
    tokenizer: PreTrainedTokenizerBase,
    *,
    seed: int,
    window: int | None = None,
) -> Rehearsal:
    """What is rehearsed: the recipe's mixture, with thoughts where it names them and the tokenizer, too.

    Raises: ConfigError where such a row is longer than `fit.seq_len`, or than the model's window.
    """
    share = config.climb.rehearse
    if not share or not config.mixture:
        return Rehearsal(None, share, seed)
    try:
        rows = training_rows(config.fit.on(config.mixture), tokenizer, config.thoughts, seed=seed)
        if isinstance(rows, ThoughtRows):
            rows.check_room(window)
        for place in range(min(LOOKED_AT, len(rows))):
            rows[place]
    except ConfigError as error:
        raise ConfigError(
            f"climb.rehearse={share:g} asks for the recipe's rows, in rows of fit.seq_len="
            f"{config.fit.seq_len}: {error}; or set climb.rehearse to 0"
        ) from error
    return Rehearsal(rows, share, seed)
