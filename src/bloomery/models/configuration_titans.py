"""Sizes and switches of a Titans model."""

from __future__ import annotations

from typing import Any

from transformers.configuration_utils import PretrainedConfig

VARIANTS = ("lmm", "mac", "mag", "mal")
MEMORIES = ("titans", "moneta", "yaad", "memora", "miras")


class TitansConfig(PretrainedConfig):
    """What a Titans model is made of; every length is in tokens, every width in coordinates.

    Differs: the paper's models have 12 to 24 layers of width 768 to 1536; ours by default fit two cores.
    """

    model_type = "titans"
    keys_to_ignore_at_inference = ["past_key_values"]  # noqa: RUF012 (read by transformers from the class)

    def __init__(
        self,
        *,
        variant: str = "mac",
        vocab_size: int = 512,
        embedding_rank: int = 64,
        hidden_size: int = 64,
        num_hidden_layers: int = 2,
        num_attention_heads: int = 4,
        intermediate_size: int = 128,
        persistent_tokens: int = 4,
        segment_size: int = 32,
        sliding_window: int = 32,
        joining: str = "gate",
        memory: str = "titans",
        memory_size: int = 64,
        memory_heads: int = 1,
        memory_depth: int = 2,
        memory_expansion: float = 2.0,
        memory_chunk: int = 32,
        memory_options: dict[str, Any] | None = None,
        rope_theta: float = 10000.0,
        rms_norm_eps: float = 1e-6,
        use_cache: bool = True,
        bos_token_id: int | None = None,
        eos_token_id: int | None = None,
        pad_token_id: int | None = None,
        **kwargs: Any,
    ) -> None:
        """`segment_size` is MAC's, `sliding_window` MAG's and MAL's; `joining` as in `GatedProduct`.

        `memory` is Titans' own or one of MIRAS; `memory_size` its width over all its heads; `memory_options`
        what else `NeuralMemory`, `moneta`, `yaad`, `memora` or `miras` take, as {"max_lr": 0.05}; of `miras`
        its parts, too: {"bias": {"name": "lp", "p": 3.0}, "retention": "softmax"}.
        """
        self.variant, self.vocab_size, self.embedding_rank = variant, vocab_size, embedding_rank
        self.hidden_size, self.intermediate_size = hidden_size, intermediate_size
        self.num_hidden_layers, self.num_attention_heads = num_hidden_layers, num_attention_heads
        self.persistent_tokens, self.joining = persistent_tokens, joining
        self.segment_size, self.sliding_window = segment_size, sliding_window
        self.memory, self.memory_size, self.memory_heads = memory, memory_size, memory_heads
        self.memory_depth, self.memory_expansion = memory_depth, memory_expansion
        self.memory_chunk, self.memory_options = memory_chunk, dict(memory_options or {})
        self.rope_theta, self.rms_norm_eps = rope_theta, rms_norm_eps
        self.use_cache = use_cache
        self.bos_token_id, self.eos_token_id, self.pad_token_id = bos_token_id, eos_token_id, pad_token_id
        super().__init__(**kwargs)
        self._check()

    def _check(self) -> None:
        if self.variant not in VARIANTS:
            raise ValueError(f"variant must be one of {', '.join(VARIANTS)}; got {self.variant!r}")
        if self.memory not in MEMORIES:
            raise ValueError(f"memory must be one of {', '.join(MEMORIES)}; got {self.memory!r}")
        if self.memory_size % self.memory_heads:
            raise ValueError(
                f"memory_size {self.memory_size} is not a multiple of memory_heads {self.memory_heads}"
            )
        if self.persistent_tokens < 0:
            raise ValueError(f"persistent_tokens must be at least 0, got {self.persistent_tokens}")
