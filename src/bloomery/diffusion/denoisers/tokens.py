"""Denoisers of tokens: what stands at each place, given all places, masked ones too."""

from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from bloomery.models.rotary import rotation

from .blocks import KeyValues, TimeEmbedding, TransformerBlock
from .stack import Context, Denoiser, Stack, StackConfig

SIGNALS = ("lines", "indents", "scopes")


class TokenDenoiserConfig(StackConfig):
    """What a denoiser of tokens is made of."""

    model_type = "bloomery_token_denoiser"

    def __init__(
        self,
        *,
        vocab_size: int = 256,
        condition_vocab_size: int = 0,
        condition_layers: int = 2,
        lines: int = 0,
        indents: int = 0,
        scopes: int = 0,
        neighbours: int = 0,
        timed: bool = False,
        **kwargs: Any,
    ) -> None:
        """`vocab_size` counts the mask. A condition is tokens of its own vocabulary; 0: there is none.

        `lines`, `indents` and `scopes` are how many ids of each may come with a token; 0: none come.
        `neighbours` are the tokens on each side that a place sees before any attention finds them.
        Masked diffusion needs no time: the masks tell it.
        """
        self.vocab_size, self.condition_vocab_size = vocab_size, condition_vocab_size
        self.condition_layers = condition_layers
        self.lines, self.indents, self.scopes = lines, indents, scopes
        self.neighbours = neighbours
        super().__init__(timed=timed, **kwargs)
        self.expect_at_least(1, "vocab_size", "num_hidden_layers")
        self.expect_at_least(0, "condition_vocab_size", "condition_layers", "neighbours", *SIGNALS)


class TokenDenoiser(Denoiser):
    """Logits of each place's token. They start at 0: every token is as likely as any other.

    Shapes: ids, lines, indents, scopes (B, L), t (B,), condition (B, C) -> (B, L, V);
        seen (B, L) and condition_seen (B, C) are False where there is only padding;
        with `only`, (B, L), the logits of the places where it is True: (places, V)
    """

    config_class = TokenDenoiserConfig
    main_input_name = "ids"

    def __init__(self, config: TokenDenoiserConfig) -> None:
        super().__init__(config)
        dim = config.hidden_size
        self.embedding = nn.Embedding(config.vocab_size, dim)
        self.signals = nn.ModuleDict(
            {name: Signal(getattr(config, name), dim) for name in SIGNALS if getattr(config, name)}
        )
        self.neighbours = Neighbours(config.neighbours, dim) if config.neighbours else None
        self.time = TimeEmbedding(dim) if config.timed else None
        self.reader = Reader(config) if config.condition_vocab_size else None
        self.stack = Stack(config, config.vocab_size, conditional=bool(config.condition_vocab_size))
        self.post_init()

    def forward(
        self,
        ids: Tensor,
        t: Tensor | None = None,
        condition: Tensor | None = None,
        *,
        condition_seen: Tensor | None = None,
        seen: Tensor | None = None,
        kept: list[KeyValues] | None = None,
        start: int = 0,
        only: Tensor | None = None,
        beside: tuple[Tensor, Tensor] | None = None,
        **signals: Tensor,
    ) -> Tensor:
        x = self._embedded(ids, seen, beside)
        for name, value in signals.items():
            x = x + self._signal(name)(value)
        context = self._read(condition, condition_seen)
        return self.stack(x, self._told(t), context, seen=seen, kept=kept, start=start, only=only)

    def beside(self, ids: Tensor, start: int, end: int) -> tuple[Tensor, Tensor] | None:
        """What a pass over the tokens from start to end alone is to be told of its neighbours."""
        count = self.config.neighbours
        return (ids[:, max(start - count, 0) : start], ids[:, end : end + count]) if count else None

    def _embedded(self, ids: Tensor, seen: Tensor | None, beside: tuple[Tensor, Tensor] | None) -> Tensor:
        x = self.embedding(ids)
        if self.neighbours is None:
            return x
        near = x if seen is None else x * seen[..., None]
        sides = [self.embedding(side) for side in beside] if beside else [near[:, :0]] * 2
        return x + self.neighbours(near, *sides)

    def _signal(self, name: str) -> nn.Module:
        if name not in self.signals:
            raise ValueError(f"this net takes the signals {sorted(self.signals)}; got '{name}'")
        return self.signals[name]

    def _told(self, t: Tensor | None) -> Tensor | None:
        if self.time is None:
            return None
        if t is None:
            raise ValueError("this net is told the time; give t, of shape (B,)")
        return self.time(t)

    def _read(self, condition: Tensor | None, seen: Tensor | None) -> Context | None:
        if condition is None:
            return None
        if self.reader is None:
            raise ValueError("this net takes no condition; build it with condition_vocab_size above 0")
        return Context(self.reader(condition, seen), seen)


class Signal(nn.Module):
    """What a line, an indentation or a scope says of a token: nothing at first."""

    def __init__(self, count: int, dim: int) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.zeros(count, dim))

    def forward(self, ids: Tensor) -> Tensor:
        """Shapes: (B, L) -> (B, L, dim); ids beyond the last count as the last."""
        return self.weight[ids.clamp(0, len(self.weight) - 1)]


class Neighbours(nn.Module):
    """The tokens around each place, each by weights of its distance: a narrow depthwise convolution.

    Attention would find them, too; but it learns late to look beside a mask, and masks know nothing else.

    Source: arXiv 2109.08668 (Primer), its depthwise convolutions
    Differs: once, of the embeddings, on both sides, without the place itself
    """

    def __init__(self, count: int, dim: int) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.empty(2 * count, dim))
        self.reset_parameters()

    def reset_parameters(self) -> None:
        nn.init.normal_(self.weight, std=len(self.weight) ** -0.5)

    def forward(self, x: Tensor, left: Tensor, right: Tensor) -> Tensor:
        """Shapes: x (B, T, dim), up to `count` more on each side -> (B, T, dim)"""
        count, length = len(self.weight) // 2, x.shape[1]
        gaps = (count - left.shape[1], count - right.shape[1])
        wide = F.pad(torch.cat([left, x, right], 1), (0, 0, *gaps))
        steps = [step for step in range(2 * count + 1) if step != count]
        return sum(
            weight * wide[:, step : step + length] for step, weight in zip(steps, self.weight, strict=True)
        )


class Reader(nn.Module):
    """States of a condition's tokens, which know their neighbours and order.

    Shapes: condition, seen (B, C) -> (B, C, dim)
    """

    def __init__(self, config: TokenDenoiserConfig) -> None:
        super().__init__()
        dim, heads, hidden = config.hidden_size, config.num_attention_heads, config.intermediate_size
        self.head_dim, self.theta = dim // heads, config.rope_theta
        self.embedding = nn.Embedding(config.condition_vocab_size, dim)
        layers = range(config.condition_layers)
        self.blocks = nn.ModuleList(TransformerBlock(dim, heads, hidden, timed=False) for _ in layers)

    def forward(self, condition: Tensor, seen: Tensor | None) -> Tensor:
        x, places = self.embedding(condition), torch.arange(condition.shape[1], device=condition.device)
        turned = rotation(places[None], self.head_dim, self.theta)
        for block in self.blocks:
            x = block(x, seen=seen, rotation=turned)
        return x
