"""Rows of tokens that show what a model's layers are fed: from a text, or from tasks' training examples."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path

import torch
from torch import Tensor
from transformers import PreTrainedTokenizerBase

from bloomery.core.errors import FormatRefused, MissingFile, UnknownName, UserError
from bloomery.forge.data import training_data
from bloomery.forge.settings import FitConfig, is_data_set
from bloomery.tasks.batches import collate
from bloomery.tasks.datasets.catalog import SOURCES
from bloomery.tasks.ingredient import Ingredient
from bloomery.tasks.registry import KINDS
from bloomery.tasks.registry import task as task_of

Rows = Callable[[PreTrainedTokenizerBase], Iterator[Tensor]]
PIECE = 2**20  # characters that are read at a time
TOGETHER = 8  # rows of a text in a forward pass


def text_rows(
    tokenizer: PreTrainedTokenizerBase, *, path: Path, seq_len: int, examples: int
) -> Iterator[Tensor]:
    """The text's beginning in rows of `seq_len` tokens, at most so many. Shapes: (B, seq_len) each.

    Raises: MissingFile; FormatRefused for what is no UTF-8; UserError for a text shorter than a row.
    """
    tokens = _tokens(tokenizer, path, seq_len * examples)
    if len(tokens) < seq_len:
        raise UserError(
            f"the calibration set is too small: {path} has {len(tokens)} tokens and a row {seq_len}; give a "
            "longer text, or shorter rows"
        )
    yield from _in_rows(tokens, seq_len)


def rows_after(
    tokenizer: PreTrainedTokenizerBase, *, path: Path, seq_len: int, examples: int
) -> Iterator[Tensor]:
    """As many rows again of the text after those of `text_rows`, or fewer; none where it ends with them.

    Raises: MissingFile, FormatRefused.
    """
    tokens = _tokens(tokenizer, path, 2 * seq_len * examples)
    yield from _in_rows(tokens[seq_len * examples :], seq_len)


def task_rows(
    tokenizer: PreTrainedTokenizerBase,
    *,
    mixture: Mapping[str, Ingredient],
    seq_len: int,
    examples: int,
    seed: int,
) -> Iterator[Tensor]:
    """Training examples of a mixture, no held-out one among them. Shapes: (1, T <= seq_len) each.

    Raises: ConfigError where an example is longer than `seq_len`.
    """
    fitting = FitConfig(steps=examples, seq_len=seq_len, mixture=dict(mixture), train={"micro_batch": 1})
    data = training_data(fitting, tokenizer, seed=seed)
    yield from (collate([data[index]])["input_ids"] for index in range(examples))


def mixture_of(names: Sequence[str], difficulties: Sequence[int] = ()) -> dict[str, Ingredient]:
    """Tasks and data sets by name in equal parts, at the difficulties at which `evaluate_tasks` measures.

    Raises: UnknownName.
    """
    return {name: _ingredient(name, difficulties) for name in names}


def _in_rows(tokens: Sequence[int], seq_len: int) -> Iterator[Tensor]:
    rows = len(tokens) // seq_len
    if rows:
        yield from torch.tensor(tokens[: rows * seq_len]).reshape(rows, seq_len).split(TOGETHER)


def _ingredient(name: str, difficulties: Sequence[int]) -> Ingredient:
    if is_data_set(name):
        return Ingredient()
    if name not in KINDS:
        raise UnknownName("task or data set", name, [*KINDS, *SOURCES])
    return Ingredient(difficulties=tuple(difficulties) or tuple(task_of(name).difficulties)[:4])


def _tokens(tokenizer: PreTrainedTokenizerBase, path: Path, wanted: int) -> list[int]:
    """The first tokens of a text, of which no more is read than they need."""
    tokens: list[int] = []
    try:
        with path.open(encoding="utf-8") as file:
            while len(tokens) < wanted and (piece := file.read(PIECE)):
                tokens += tokenizer(piece, add_special_tokens=False, verbose=False)["input_ids"]
    except (FileNotFoundError, IsADirectoryError) as error:
        raise MissingFile(f"there is no text {path}; name a file") from error
    except UnicodeDecodeError as error:
        raise FormatRefused(f"{path} is no UTF-8 text ({error.reason}); calibrate on plain text") from error
    return tokens[:wanted]
