"""Examples with thoughts before their answers, as rows to learn from.

The token that begins a thought is given, never predicted, so that a model goes on answering at once where
nobody asks it to think; when to stop thinking it learns.
"""

import random
from collections.abc import Sequence

import torch
from transformers import PreTrainedTokenizerBase

from bloomery.core.errors import ConfigError
from bloomery.forge.quietstar.settings import ThoughtsConfig
from bloomery.forge.quietstar.tokens import thought_ids
from bloomery.tasks.batches import Piece, Row, length_of, pad_id, pieces, row
from bloomery.tasks.chains.chain import Chain, written
from bloomery.tasks.mixture import Mixture
from bloomery.tasks.splitting import draw_from
from bloomery.tasks.task import Example, Task
from bloomery.tasks.tokenizer import encode

FILLER = "."  # arXiv 2404.15758: what says nothing and still takes the time of thinking


class ThoughtRows(torch.utils.data.Dataset[Row]):
    """The items of a mixture, some of them with a thought; item i depends on the seed and i alone."""

    def __init__(self, mixture: Mixture, config: ThoughtsConfig) -> None:
        self.mixture, self.config = leaning(mixture, config), config

    def __len__(self) -> int:
        return len(self.mixture)

    def __getitem__(self, index: int) -> Row:
        return self.row(*self.drawn(index))

    def drawn(self, index: int) -> tuple[Example, list[Piece]]:
        """What item `index` shows, and the thought about it, which may be none."""
        task, example = self.mixture.drawn(index)
        return example, self._thought(task, example, random.Random(f"thought/{self.mixture.seed}/{index}"))

    def check_room(self, window: int | None = None) -> None:
        """Draws the hardest of each task.

        Raises: ConfigError where an example or its thought is too long, for rows or for the model's window.
        """
        rng = random.Random("room")
        for task, _, difficulties in self.mixture.parts:
            for strategy in self.config.strategies if self.config.concern(task.name) else ():
                example = draw_from(task, "train", rng, max(difficulties or task.difficulties))
                drawn = self.row(example, self._chain(task, example, strategy, rng))
                _check_window(task, example, int(drawn["attention_mask"].sum()), window)

    def row(self, example: Example, thought: Sequence[Piece]) -> Row:
        """The thought between the example's prompt and its answer."""
        tokenizer = self.mixture.tokenizer
        *prompt, answer = pieces(example, tokenizer)
        return row([*prompt, *thought, answer], self.mixture.seq_len, pad_id(tokenizer))

    def _thought(self, task: Task, example: Example, rng: random.Random) -> list[Piece]:
        share = rng.random()
        if share < self.config.direct or not self.config.concern(task.name):
            return []
        (strategy,) = rng.choices([*self.config.strategies], [*self.config.strategies.values()])
        thought = self._chain(task, example, strategy, rng)
        filled = share < self.config.direct + self.config.filler
        return filler_pieces(length_of(thought) - 2, self.mixture.tokenizer) if filled else thought

    def _chain(self, task: Task, example: Example, strategy: str, rng: random.Random) -> list[Piece]:
        thought = thought_pieces(written(task, example, strategy, rng), self.mixture.tokenizer)
        if (length := length_of(thought) - 1) > self.config.tokens:
            raise ConfigError(
                f"a thought of {length} tokens ({strategy} of {task.name}, difficulty {example.difficulty}) "
                f"is longer than thoughts.tokens={self.config.tokens}; raise it, or leave the strategy out"
            )
        return thought


def leaning(mixture: Mixture, config: ThoughtsConfig) -> Mixture:
    """The mixture with its weights changed so that what is thought about has its share of the rows.

    Raises: ConfigError where it holds nothing of that kind, or nothing else to fill the rest.
    """
    if config.share is None:
        return mixture
    about = sum(weight for task, weight, _ in mixture.parts if config.concern(task.name))
    others = sum(weight for task, weight, _ in mixture.parts if not config.concern(task.name))
    if not about or (not others and config.share < 1):
        raise ConfigError(
            f"thoughts.share is {config.share} and the mixture has weight {about} of tasks that are thought "
            f"about and {others} of others: both are needed, or leave share out"
        )
    scale = {True: config.share / about, False: (1 - config.share) / others if others else 0.0}
    parts = [
        (task, weight * scale[config.concern(task.name)], levels) for task, weight, levels in mixture.parts
    ]
    return Mixture(
        parts, mixture.tokenizer, seq_len=mixture.seq_len, seed=mixture.seed, length=mixture.length
    )


def _check_window(task: Task, example: Example, length: int, window: int | None) -> None:
    if window is not None and length > window:
        raise ConfigError(
            f"an example of {task.name} (difficulty {example.difficulty}) with a thought has {length} "
            f"tokens, and the model's window is {window}: take easier tasks or shorter strategies"
        )


def thought_pieces(chain: Chain, tokenizer: PreTrainedTokenizerBase) -> list[Piece]:
    """A thought between its tokens; a slip on purpose is read and not learned."""
    start, end = thought_ids(tokenizer)
    slip, stop = chain.slip or (0, 0)
    texts = [(chain.text[:slip], True), (chain.text[slip:stop], False), (chain.text[stop:], True)]
    inside = [(encode(tokenizer, text), asked) for text, asked in texts]
    return [([start], False), *inside, ([end], True)]


def filler_pieces(length: int, tokenizer: PreTrainedTokenizerBase) -> list[Piece]:
    """As many tokens that say nothing, none of them to be predicted."""
    start, end = thought_ids(tokenizer)
    return [([start, *filler_ids(length, tokenizer), end], False)]


def filler_ids(length: int, tokenizer: PreTrainedTokenizerBase) -> Sequence[int]:
    return encode(tokenizer, FILLER)[:1] * length
