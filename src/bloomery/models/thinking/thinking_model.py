"""A causal language model that thinks before it predicts.

Source: arXiv 2403.09629 (Quiet-STaR)
"""

from __future__ import annotations

from functools import cached_property
from typing import Any, Literal

import torch
from torch import Tensor, nn
from transformers.modeling_utils import PreTrainedModel

from .layout import Blocks, Spots, Texts, Thoughts, blocks_of, check_spots
from .mixing import MixingHead, mix
from .policy import Policy, write_thoughts
from .reading import Reading, foretold, read_by_mask, read_by_rows, takes_mask
from .streams import MaskStream, RowStream, Stream

Way = Literal["auto", "rows", "mask"]


class ThinkingModel(nn.Module):
    """Any causal language model, two of its tokens that enclose thoughts, and a mixing head.

    Called as a module it is the wrapped model, without thoughts. `way` is how thoughts are read: "auto" takes
    the mask where the model reads by it as it does by rows.
    """

    def __init__(
        self, base: PreTrainedModel, *, start: int, end: int, opening: float = 0.5, way: Way = "auto"
    ) -> None:
        super().__init__()
        config: Any = base.config
        self.base, self.start, self.end, self.way = base, start, end, way
        self.mixing = MixingHead(config.hidden_size, opening=opening)
        place = next(base.parameters())
        self.mixing.to(device=place.device, dtype=place.dtype)

    @property
    def config(self) -> Any:
        return self.base.config

    def get_output_embeddings(self) -> Any:
        return self.base.get_output_embeddings()

    def forward(self, *given: Any, **named: Any) -> Any:
        return self.base(*given, **named)

    @cached_property
    def masked(self) -> bool:
        """Whether thoughts are read by mask."""
        return takes_mask(self.base) if self.way == "auto" else self.way == "mask"

    def open(self, texts: Texts, spots: Spots, thoughts: int = 1) -> Stream:
        """Lines that go on from each spot, so many from each."""
        check_spots(texts, spots)
        return (MaskStream if self.masked else RowStream)(self.base, texts, spots, thoughts)

    @torch.no_grad()
    def think(
        self,
        texts: Texts,
        spots: Spots,
        policy: Policy,
        *,
        thoughts: int = 1,
        generator: torch.Generator | None = None,
    ) -> Thoughts:
        """So many thoughts at each spot, side by side: of R spots, R * thoughts."""
        return write_thoughts(self.open(texts, spots, thoughts), policy, generator)

    def enclose(self, thoughts: Thoughts, texts: Texts, spots: Spots, ahead: int) -> Blocks:
        """The blocks of these thoughts with `ahead` - 1 true tokens behind them."""
        return blocks_of(thoughts, texts, spots, start=self.start, end=self.end, ahead=ahead)

    def read(self, texts: Texts, spots: Spots, blocks: Blocks) -> Reading:
        """What the model predicts of the texts, and behind each of their thoughts."""
        return self.read_with(self.base, texts, spots, blocks)

    def read_with(self, model: nn.Module, texts: Texts, spots: Spots, blocks: Blocks) -> Reading:
        """`read` by another model of the same kind, as an earlier copy of this one is."""
        check_spots(texts, spots)
        return (read_by_mask if self.masked else read_by_rows)(model, texts, spots, blocks)

    def talk(
        self, reading: Reading, spots: Spots, blocks: Blocks, ahead: int, weight: float | None = None
    ) -> tuple[Tensor, Tensor]:
        """Mixed logits of the next `ahead` tokens after each spot, and their mixing weights.

        `weight` overrides the head: 0 predicts without thoughts, to the bit, and 1 with them alone.

        Shapes: -> (R, A, V), (R, A); tokens past a text's end repeat others and mean nothing.
        """
        return self.mixed(foretold(reading, spots, blocks, ahead), weight)

    def mixed(self, two: Reading, weight: float | None = None) -> tuple[Tensor, Tensor]:
        """`talk` of what is foretold without thoughts and with them."""
        w = self.weight_of(two.base_hidden, two.hidden, weight)
        return mix(two.base_logits, two.logits, w), w

    def weight_of(self, base: Tensor, thought: Tensor, given: float | None) -> Tensor:
        """The head's mixing weight of these hidden states, or the one that is given."""
        if given is None:
            return self.mixing(base, thought)
        return base.new_full(base.shape[:-1], given)
