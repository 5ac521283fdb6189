"""Titans: a causal language model whose layers memorize at test time, in the paper's four variants."""

from __future__ import annotations

from collections.abc import Callable

from torch import Tensor, nn

from .attention import SlidingWindowAttention
from .cache_titans import StateLayer, TitansCache
from .causal_model import CausalModel, CausalOutput, padding
from .configuration_titans import TitansConfig
from .embedding import FactorizedEmbedding
from .feedforward import SwiGLU
from .gated_product import GatedProduct
from .memory_as_context import MemoryAsContext
from .memory_layer import MemoryLayer
from .miras_memory import memora, miras, moneta, yaad
from .neural_memory import NeuralMemory
from .persistent_memory import PersistentMemory
from .streaming_attention import StreamingAttention
from .titans_mixers import MemoryAlone, MemoryAsGate, MemoryAsLayer


class TitansLayer(nn.Module):
    """x += mixer(norm x); x += SwiGLU(norm x)."""

    def __init__(self, config: TitansConfig) -> None:
        super().__init__()
        dim = config.hidden_size
        self.mixer_norm = nn.RMSNorm(dim, eps=config.rms_norm_eps)
        self.mixer = mixer(config)
        self.feedforward_norm = nn.RMSNorm(dim, eps=config.rms_norm_eps)
        self.feedforward = SwiGLU(dim, config.intermediate_size)

    def forward(self, x: Tensor, mask: Tensor | None, slot: StateLayer | None) -> Tensor:
        """Shapes: x (B, T, D) -> the same; mask (B, T), None where nothing is padded."""
        mixed, state = self.mixer(self.mixer_norm(x), None if slot is None else slot.state, mask=mask)
        if slot is not None:
            slot.keep(state, x.shape[1])
        x = x + mixed
        return x + self.feedforward(self.feedforward_norm(x))


def mixer(config: TitansConfig) -> MemoryAlone | MemoryAsContext | MemoryAsGate | MemoryAsLayer:
    """The variant's memory, attention and persistent tokens, put together."""
    dim, heads = config.hidden_size, config.num_attention_heads
    persistent = PersistentMemory(config.persistent_tokens, dim)
    if config.variant == "lmm":
        return MemoryAlone(memory(config), persistent)
    gate = GatedProduct(dim, config.joining, eps=config.rms_norm_eps)
    if config.variant == "mac":
        attention = SlidingWindowAttention(dim, heads)
        return MemoryAsContext(
            memory(config), persistent, attention, gate, segment=config.segment_size, theta=config.rope_theta
        )
    pinned = len(persistent) if config.variant == "mag" else 0
    window = StreamingAttention(dim, heads, config.sliding_window, pinned=pinned, theta=config.rope_theta)
    if config.variant == "mag":
        return MemoryAsGate(memory(config), persistent, window, gate)
    return MemoryAsLayer(memory(config), persistent, window)


def memory(config: TitansConfig) -> MemoryLayer:
    build: dict[str, Callable[..., MemoryLayer]] = {
        "titans": NeuralMemory, "moneta": moneta, "yaad": yaad, "memora": memora, "miras": miras,
    }  # fmt: skip
    return build[config.memory](
        config.hidden_size,
        heads=config.memory_heads,
        head_dim=config.memory_size // config.memory_heads,
        depth=config.memory_depth,
        expansion=config.memory_expansion,
        chunk_size=config.memory_chunk,
        conv=0 if config.variant == "mac" else 4,
        **config.memory_options,
    )


class TitansForCausalLM(CausalModel[TitansCache]):
    """Embedding, `TitansLayer`s, and the embedding again as the head.

    Source: arXiv 2501.00663 (Titans), section 4
    """

    config_class = TitansConfig
    cache_class = TitansCache
    base_model_prefix = "titans"
    _no_split_modules = ["TitansLayer"]  # noqa: RUF012 (read by transformers from the class)

    def __init__(self, config: TitansConfig) -> None:
        super().__init__(config)
        self.embedding = FactorizedEmbedding(config.vocab_size, config.embedding_rank, config.hidden_size)
        self.layers = nn.ModuleList(TitansLayer(config) for _ in range(config.num_hidden_layers))
        self.norm = nn.RMSNorm(config.hidden_size, eps=config.rms_norm_eps)
        self.post_init()

    def new_cache(self) -> TitansCache:
        """An empty cache for this model."""
        return TitansCache(len(self.layers))

    def forward(
        self,
        input_ids: Tensor | None = None,
        attention_mask: Tensor | None = None,
        labels: Tensor | None = None,
        past_key_values: TitansCache | None = None,
        inputs_embeds: Tensor | None = None,
        use_cache: bool | None = None,
        logits_to_keep: int = 0,
        output_hidden_states: bool | None = None,
        return_dict: bool | None = None,
    ) -> CausalOutput | tuple:
        """Predicts each next token, and with `labels` (aligned with the input, -100 ignored) the loss.

        The mask may be that of the new tokens or of all. `logits_to_keep` is the number of last tokens to
        return logits for, 0 for all; the loss is over all labels in any case.

        Shapes: input_ids, labels (B, T); attention_mask (B, T or all so far); inputs_embeds (B, T, D).
        """
        x = self._embed(input_ids, inputs_embeds)
        cache = self._cache(past_key_values, labels is None if use_cache is None else use_cache)
        mask = padding(attention_mask, x.shape[1])
        hidden = [x]
        for i, layer in enumerate(self.layers):
            hidden.append(layer(hidden[-1], mask, None if cache is None else cache.states[i]))
        return self._answer(
            hidden, cache, labels, logits_to_keep=logits_to_keep,
            output_hidden_states=output_hidden_states, return_dict=return_dict,
        )  # fmt: skip


TitansConfig.register_for_auto_class()
TitansForCausalLM.register_for_auto_class("AutoModelForCausalLM")
