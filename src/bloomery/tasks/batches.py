"""Examples as rows of token ids, of one length, padded on the right."""

from collections.abc import Iterable, Sequence

import torch
from torch import Tensor
from transformers import PreTrainedTokenizerBase

from bloomery.core.errors import ConfigError
from bloomery.tasks.task import Example
from bloomery.tasks.tokenizer import begin, encode, end

IGNORED = -100
Row = dict[str, Tensor]


Piece = tuple[list[int], bool]


def pieces(example: Example, tokenizer: PreTrainedTokenizerBase) -> list[Piece]:
    """Token ids in order, each piece with whether it is to be predicted: bos, prompt, answer, eos.

    The parts of a prompt that are worked answers are encoded by themselves, as the answer is.
    """
    parts: list[Piece] = [(begin(tokenizer), False)]
    at = 0
    for start, stop in example.worked:
        parts += [
            (encode(tokenizer, example.prompt[at:start]), False),
            (encode(tokenizer, example.prompt[start:stop]), True),
        ]
        at = stop
    parts.append((encode(tokenizer, example.prompt[at:]), False))
    return [*parts, (encode(tokenizer, example.answer) + end(tokenizer), True)]


def row(parts: Sequence[Piece], seq_len: int, pad: int) -> Row:
    """Labels on what is to be predicted alone.

    Shapes: input_ids, labels, attention_mask (seq_len,)
    Raises: ConfigError where the pieces are longer than `seq_len`.
    """
    ids = [token for piece, _ in parts for token in piece]
    labels = [token if asked else IGNORED for piece, asked in parts for token in piece]
    used = len(ids)
    if used > seq_len:
        raise ConfigError(f"an example of {used} tokens does not fit seq_len={seq_len}; raise it or drop it")
    free = seq_len - used
    return {
        "input_ids": torch.tensor(ids + [pad] * free),
        "labels": torch.tensor(labels + [IGNORED] * free),
        "attention_mask": torch.tensor([1] * used + [0] * free),
    }


def length_of(parts: Sequence[Piece]) -> int:
    return sum(len(piece) for piece, _ in parts)


def row_of(example: Example, tokenizer: PreTrainedTokenizerBase, seq_len: int) -> Row:
    return row(pieces(example, tokenizer), seq_len, pad_id(tokenizer))


def pad_id(tokenizer: PreTrainedTokenizerBase) -> int:
    """The padding id; a tokenizer without one pads with eos, which the attention mask hides."""
    for token in (tokenizer.pad_token_id, tokenizer.eos_token_id):
        if token is not None:
            return int(token)
    raise ConfigError("the tokenizer has neither a padding nor an end token; set tokenizer.pad_token")


def collate(rows: Iterable[Row]) -> Row:
    """Stacks rows into a batch no longer than its longest row.

    Shapes: (T,) each -> (B, T') each, T' <= T
    """
    rows = list(rows)
    batch = {name: torch.stack([row[name] for row in rows]) for name in rows[0]}
    longest = int(batch["attention_mask"].sum(dim=1).max())
    return {name: tensor[:, :longest] for name, tensor in batch.items()}
