"""What stands in a memory's place in the models that memories are compared with."""

import torch
from torch import Tensor, nn
from torch.nn import functional

from bloomery.models.chunking import Grid
from bloomery.models.configuration_titans import TitansConfig
from bloomery.models.memory_layer import MemoryLayer, MemoryState
from bloomery.models.persistent_memory import PersistentMemory
from bloomery.models.streaming_attention import StreamingAttention


class Rival(nn.Module):
    """A mixer of [P || x], as the memories are, in one call a sequence: it carries no state."""

    def __init__(self, config: TitansConfig) -> None:
        super().__init__()
        self.persistent = PersistentMemory(config.persistent_tokens, config.hidden_size)

    def forward(self, x: Tensor, state: None = None, *, mask: Tensor | None = None) -> tuple[Tensor, None]:
        """Shapes: x (B, T, D) -> the same.

        Raises: ValueError for a state or padding.
        """
        if state is not None or mask is not None:
            raise ValueError("a rival reads whole sequences: it takes neither a state nor padding")
        return self._mix(self.persistent(x)[0])[:, len(self.persistent) :], None

    def _mix(self, x: Tensor) -> Tensor:
        raise NotImplementedError


class WindowAlone(Rival):
    """Windowed attention that sees all persistent tokens: MAG without its memory."""

    def __init__(self, config: TitansConfig) -> None:
        super().__init__(config)
        self.attention = StreamingAttention(
            config.hidden_size, config.num_attention_heads, config.sliding_window,
            pinned=config.persistent_tokens, theta=config.rope_theta,
        )  # fmt: skip

    def _mix(self, x: Tensor) -> Tensor:
        return self.attention(x)[0]


class LongShortTerm(Rival):
    """torch's LSTM with forget gates that begin open, as Jozefowicz et al. 2015 advise."""

    def __init__(self, config: TitansConfig, width: int) -> None:
        super().__init__(config)
        self.lstm = nn.LSTM(config.hidden_size, width, batch_first=True)
        self.out = nn.Linear(width, config.hidden_size, bias=False)
        with torch.no_grad():
            self.lstm.bias_ih_l0[width : 2 * width] = 1.0

    def _mix(self, x: Tensor) -> Tensor:
        return self.out(self.lstm(x)[0])


class GatedLinear(Rival):
    """Linear attention that forgets by a gate, in every other respect the layer that the memories are."""

    def __init__(self, config: TitansConfig, heads: int, head_dim: int) -> None:
        super().__init__(config)
        self.memory = AddingMemory(config.hidden_size, heads, head_dim)

    def _mix(self, x: Tensor) -> Tensor:
        return self.memory(x)[0]


class AddingMemory(MemoryLayer):
    """S_t = a_t S_t-1 + v_t k_t^T, read as S_t q_t: what is there is not looked at when a token is written.

    Source: arXiv 2312.06635 (gated linear attention) with one gate a head; projections, convolution, unit
    queries and keys, their beginning and the output are `MemoryLayer`'s
    """

    to_gates: nn.Linear

    def __init__(self, dim: int, heads: int, head_dim: int) -> None:
        super().__init__(
            dim, heads=heads, head_dim=head_dim, depth=1, expansion=1.0, activation="silu", scale=False,
            chunk_size=1, conv=4, learn_initial=True, make_gates=lambda: nn.Linear(dim, heads),
        )  # fmt: skip
        self.reset_parameters()

    def reset_parameters(self) -> None:
        self.reset_memory()

    def _reset_gates(self) -> None:
        nn.init.constant_(self.to_gates.bias, 4.0)  # as little forgotten as Titans' memory begins with

    def _gates(self, x: Tensor) -> Tensor:
        """log a. Shapes: (B, T, D) -> (B, T, H)"""
        return functional.logsigmoid(self.to_gates(x))

    def _write(
        self, q: Tensor, k: Tensor, v: Tensor, gates: Tensor, state: MemoryState, layout: Grid, *, fresh: bool
    ) -> tuple[Tensor, MemoryState]:
        if layout.tokens is not None:
            raise ValueError("an AddingMemory takes no padding")
        before = state.weights.unflatten(-1, (self.head_dim, self.head_dim))
        q, k, v, kept = (t.transpose(1, 2) for t in (q, k, v, gates.unsqueeze(-1)))
        kept = kept.cumsum(2)  # (B, H, T, 1)
        later = torch.ones(k.shape[2], k.shape[2], dtype=torch.bool, device=k.device).triu(1)
        decay = (kept - kept.mT).masked_fill(later, -torch.inf).exp()
        reads = (q @ k.mT * decay) @ v + kept.exp() * (q @ before.mT)
        after = kept[:, :, -1:].exp() * before + (v * decay[:, :, -1, :, None]).mT @ k
        return reads.transpose(1, 2), state._replace(weights=after.flatten(2), base=after.flatten(2))

    def _recall(self, q: Tensor, state: MemoryState) -> Tensor:
        stored = state.weights.unflatten(-1, (self.head_dim, self.head_dim))
        return (q.transpose(1, 2) @ stored.mT).transpose(1, 2)
