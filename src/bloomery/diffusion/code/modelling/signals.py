"""What a net is told of where tokens stand, computed from the canvas itself."""

from collections.abc import Iterable

import torch
from torch import Tensor

from bloomery.diffusion.code.lexemes.places import COLUMNS, places
from bloomery.diffusion.code.lexemes.tokenizer import LexemeTokenizer

COLUMN = {"lines": "line", "indents": "level", "scopes": "scope"}  # a net's signal: a column of `places`


def signals_of(
    tokenizer: LexemeTokenizer, ids: Tensor, names: Iterable[str], language: str | None = None
) -> dict[str, Tensor]:
    """The signals of these names. A mask stands where the tokens before it end.

    `language` is that of rows which do not say theirs by their first tokens.

    Shapes: ids (B, L) -> (B, L) each, on the device of the ids
    """
    names = list(names)
    if not names:
        return {}
    rows = [torch.from_numpy(places(tokenizer, row, language)) for row in ids.tolist()]
    found = torch.stack(rows).to(ids.device) if rows else ids.new_zeros(*ids.shape, len(COLUMNS))
    return {name: found[..., COLUMNS.index(COLUMN[name])] for name in names}
