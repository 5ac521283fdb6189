"""Batches in which a prompted teacher and an unprompted student read the same written tokens."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import torch
from torch import Tensor
from transformers import PreTrainedTokenizerBase

from bloomery.core.errors import ConfigError
from bloomery.forge.baking.completions import Completion, joined
from bloomery.tasks.batches import IGNORED, Row, collate, pad_id, row
from bloomery.tasks.tokenizer import begin

Pair = dict[str, Row]


class BakingRows(torch.utils.data.Dataset[Pair]):
    """Rows for the two readers of each completion; those longer than `seq_len` are left out and counted."""

    def __init__(
        self,
        completions: Iterable[Completion],
        tokenizer: PreTrainedTokenizerBase,
        *,
        seq_len: int,
        at_least: int = 1,
    ) -> None:
        """Raises: ConfigError where fewer than `at_least` completions fit."""
        given = list(completions)
        fitting = [one for one in given if one.length + len(begin(tokenizer)) <= seq_len]
        self.left_out = len(given) - len(fitting)
        if len(fitting) < at_least:
            raise ConfigError(
                f"{len(fitting)} of {len(given)} completions fit seq_len={seq_len} with their prompts, and a "
                f"batch takes {at_least}: raise seq_len, give more queries or take a smaller batch"
            )
        self.pairs = [pair(one, tokenizer) for one in fitting]
        self.pad = pad_id(tokenizer)

    def __len__(self) -> int:
        return len(self.pairs)

    def __getitem__(self, index: int) -> Pair:
        return self.pairs[index]


def pair(completion: Completion, tokenizer: PreTrainedTokenizerBase) -> Pair:
    """The teacher's row (with the prompt) and the student's (without); labels on what was written alone."""
    pad = pad_id(tokenizer)
    heads = {"teacher": completion.prompt, "student": completion.turns}
    rows = {}
    for reader, before in heads.items():
        head = joined(tokenizer, before, completion.query)
        parts = [(head, False), (list(completion.written), True)]
        rows[reader] = row(parts, len(head) + len(completion.written), pad)
    return rows


def collate_pairs(pairs: Sequence[Pair], *, pad: int) -> dict[str, Any]:
    """A batch for each reader, padded on the right; `labels` are the student's, for counting targets.

    Shapes: input_ids, attention_mask, labels (B, T) for each reader, with T of its own
    """
    batch: dict[str, Any] = {
        reader: _padded([one[reader] for one in pairs], pad) for reader in ("teacher", "student")
    }
    return {**batch, "labels": batch["student"]["labels"]}


def written_logits(logits: Tensor, batch: Mapping[str, Tensor]) -> Tensor:
    """The logits that predict the written tokens, row after row: the same order for both readers.

    Shapes: (B, T, V) -> (N, V), N the number of written tokens
    """
    return logits[:, :-1][batch["labels"][:, 1:] != IGNORED]


def _padded(rows: Sequence[Row], pad: int) -> Row:
    longest = max(len(one["input_ids"]) for one in rows)
    free = {"input_ids": pad, "labels": IGNORED, "attention_mask": 0}
    return collate(
        {
            name: torch.nn.functional.pad(tensor, (0, longest - len(tensor)), value=free[name])
            for name, tensor in one.items()
        }
        for one in rows
    )
