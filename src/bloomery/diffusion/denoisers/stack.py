"""What token and trajectory transformers share: sizes, blocks over positions, and a head that starts at 0."""

from typing import Any, NamedTuple

import torch
from torch import Tensor, nn
from transformers.configuration_utils import PretrainedConfig
from transformers.modeling_utils import PreTrainedModel

from bloomery.models.rotary import Rotation, rotation

from .blocks import CrossAttentionBlock, KeyValues, Modulation, TransformerBlock, ZeroLinear

SPREAD = 0.02  # of linear maps and embeddings at the start


class StackConfig(PretrainedConfig):
    """Sizes of a stack of blocks."""

    def __init__(
        self,
        *,
        hidden_size: int = 256,
        num_hidden_layers: int = 6,
        num_attention_heads: int = 4,
        intermediate_size: int = 1024,
        rope_theta: float = 10000.0,
        timed: bool = True,
        open_gates: bool = False,
        **kwargs: Any,
    ) -> None:
        """`timed`: whether the net is told the time; one that is not takes it and does not look.

        `open_gates`: blocks add what they say from the start, of maps that keep the size of what they get and
        of embeddings of size 1: tokens are learned many times faster so.
        """
        self.hidden_size, self.num_hidden_layers = hidden_size, num_hidden_layers
        self.num_attention_heads, self.intermediate_size = num_attention_heads, intermediate_size
        self.rope_theta, self.timed, self.open_gates = rope_theta, timed, open_gates
        super().__init__(**kwargs)

    def expect_at_least(self, least: int, *names: str) -> None:
        for name in names:
            if getattr(self, name) < least:
                raise ValueError(f"{name} must be at least {least}, got {getattr(self, name)}")


class Context(NamedTuple):
    """What a condition says to the blocks. Shapes: states (B, C, dim), seen (B, C)"""

    states: Tensor
    seen: Tensor | None


class Denoiser(PreTrainedModel):
    """A net whose weights start as its modules say: maps that start at 0 stay there, others are normal."""

    main_input_name = "x"
    _supports_sdpa = True

    @torch.no_grad()
    def _init_weights(self, module: nn.Module) -> None:
        if isinstance(module, ZeroLinear | Modulation):
            module.reset_parameters()
        elif isinstance(module, nn.Linear):
            opened = self.config.open_gates
            nn.init.normal_(module.weight, std=module.in_features**-0.5 if opened else SPREAD)
            if module.bias is not None:
                nn.init.zeros_(module.bias)
        elif isinstance(module, nn.Embedding):
            nn.init.normal_(module.weight, std=1.0 if self.config.open_gates else SPREAD)
        elif isinstance(module, nn.LayerNorm | nn.GroupNorm) and module.weight is not None:
            nn.init.ones_(module.weight)
            nn.init.zeros_(module.bias)
        elif isinstance(module, nn.Conv1d | nn.ConvTranspose1d):
            module.reset_parameters()


class Stack(nn.Module):
    """Self- and cross-attention by turns, then a norm told the time, then the head."""

    def __init__(self, config: StackConfig, outputs: int, *, conditional: bool) -> None:
        super().__init__()
        dim, heads, timed = config.hidden_size, config.num_attention_heads, config.timed
        hidden, layers = config.intermediate_size, range(config.num_hidden_layers)
        gate = float(config.open_gates)
        self.head_dim, self.theta = dim // heads, config.rope_theta
        self.blocks = nn.ModuleList(TransformerBlock(dim, heads, hidden, timed, gate) for _ in layers)
        self.crosses = nn.ModuleList(
            CrossAttentionBlock(dim, heads, timed, gate) for _ in layers if conditional
        )
        self.norm, self.modulation = nn.LayerNorm(dim, elementwise_affine=False), Modulation(dim, 2, timed)
        self.head = ZeroLinear(dim, outputs)

    def forward(
        self,
        x: Tensor,
        time: Tensor | None,
        context: Context | None,
        *,
        seen: Tensor | None = None,
        kept: list[KeyValues] | None = None,
        start: int = 0,
        only: Tensor | None = None,
    ) -> Tensor:
        """`only`: the places, (B, T), that the head is asked for; else all.

        Shapes: x (B, T, dim), time (B, dim), seen (B, T) -> (B, T, outputs) or (places, outputs)
        """
        turned = self.rotation(torch.arange(start, start + x.shape[1], device=x.device)[None])
        for number, block in enumerate(self.blocks):
            layer = None if kept is None else kept[number]
            x = block(x, time, seen=seen, rotation=turned, kept=layer, start=start)
            if context is not None:
                x = self.crosses[number](x, context.states, time, seen=context.seen)
        shift, scale = self.modulation(time)
        x = self.norm(x) * (1 + scale) + shift
        return self.head(x if only is None else x[only])

    def rotation(self, positions: Tensor) -> Rotation:
        return rotation(positions, self.head_dim, self.theta)
