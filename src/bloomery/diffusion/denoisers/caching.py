"""Keys and values of the rest of a canvas, kept while one block of it is filled."""

from typing import Any

import torch
from torch import Tensor

from bloomery.diffusion.processes.process import Net

from .blocks import KeyValues
from .tokens import SIGNALS, TokenDenoiser


@torch.no_grad()
def keeping(
    net: TokenDenoiser, x: Tensor, start: int, end: int, t: Tensor, *, alone: bool = False, **given: Any
) -> Net:
    """A net for the tokens from start to end: one whole pass now, then passes over these tokens only.

    Tokens outside are taken to stay as they are in x: what it says of them is what the whole pass said.
    A net of one layer says of the block what a whole pass would; deeper ones do so only until the block
    changes, for the kept keys and values are of the block as it was. `alone`: it says nothing of the rest.

    Shapes: x (B, L) -> net of (B, L), t (B,) -> (B, L, V), or (B, end - start, V) alone
    Source: arXiv 2505.22618 (Fast-dLLM), its dual cache
    """
    kept = [KeyValues() for _ in range(net.config.num_hidden_layers)]
    whole = net(x, t, kept=kept, **given)
    part = {name: value[:, start:end] if name in SIGNALS else value for name, value in given.items()}

    @torch.no_grad()
    def block(x: Tensor, t: Tensor) -> Tensor:
        beside = net.beside(x, start, end)
        said = net(x[:, start:end], t, kept=kept, start=start, beside=beside, **part)
        return said if alone else torch.cat([whole[:, :start], said, whole[:, end:]], 1)

    return block
