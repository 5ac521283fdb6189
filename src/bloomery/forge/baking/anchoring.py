"""Queries about which a model thinks as it did before a bake: thoughts that a prompt must not cost."""

from collections.abc import Sequence
from dataclasses import dataclass

from transformers import PreTrainedTokenizerBase

from bloomery.core.errors import ConfigError
from bloomery.forge.baking.settings import BakeConfig
from bloomery.forge.data import task_parts
from bloomery.forge.judging import JudgedConfig
from bloomery.forge.quietstar.tokens import knows_thoughts
from bloomery.forge.settings import FitConfig
from bloomery.tasks.mixture import Mixture
from bloomery.tasks.tokenizer import begin, encode

DRAWS = 20  # draws for one query: a task may have few different prompts


@dataclass(frozen=True, kw_only=True)
class ThoughtAnchors:
    """Queries after which a thought is begun, and how many tokens of it are written at most."""

    queries: Sequence[str] = ()
    tokens: int = 0

    def new_tokens(self, answer: int) -> int:
        """Of a thought, its end, and an answer of so many tokens."""
        return self.tokens + 1 + answer


def thought_anchors(
    config: JudgedConfig, tokenizer: PreTrainedTokenizerBase, count: int, *, seed: int
) -> ThoughtAnchors:
    """So many training prompts of the tasks that the recipe's thoughts concern.

    None where it names no thoughts, or where the tokenizer has not their tokens.
    """
    about = config.tasks_with_thoughts()
    if config.thoughts is None or not about or not count or not knows_thoughts(tokenizer):
        return ThoughtAnchors()
    stream = Mixture(task_parts(about), tokenizer, seq_len=1, seed=seed, length=DRAWS * count)
    return ThoughtAnchors(queries=prompts_of(stream, count), tokens=config.thoughts.tokens)


def prompts_of(stream: Mixture, count: int) -> tuple[str, ...]:
    """The first so many different prompts of a stream, or those that there are."""
    found: dict[str, None] = {}
    for index in range(min(len(stream), DRAWS * count)):
        if len(found) == count:
            break
        found[stream.example(index).prompt] = None
    return tuple(found)


def check_room(
    anchors: ThoughtAnchors,
    tokenizer: PreTrainedTokenizerBase,
    config: BakeConfig,
    fitting: FitConfig,
    window: int | None,
) -> None:
    """Raises: ConfigError where a query, its thought and its answer may be longer than a row, or than the
    model's window."""
    if not anchors.queries:
        return
    asked = max(len(encode(tokenizer, query)) for query in anchors.queries)
    needed = len(begin(tokenizer)) + asked + 1 + anchors.new_tokens(config.max_new_tokens)
    told = (
        f"a query of {asked} tokens, a thought of thoughts.tokens={anchors.tokens} and an answer of "
        f"bake.max_new_tokens={config.max_new_tokens} are {needed} tokens with what stands around them"
    )
    if needed > fitting.seq_len:
        raise ConfigError(f"{told}, and the bake's fit.seq_len is {fitting.seq_len}: raise it, or set "
                          "thought_anchors to 0")  # fmt: skip
    if window is not None and needed > window:
        raise ConfigError(f"{told}, and the model's window is {window}: shorten one, or set thought_anchors "
                          "to 0")  # fmt: skip
