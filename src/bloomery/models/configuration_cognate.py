"""Sizes and switches of a Cognate model, and its presets."""

from __future__ import annotations

from typing import Any

from transformers.configuration_utils import PretrainedConfig

MEMORIES = ("titans", "exponential", "none")


class CognateConfig(PretrainedConfig):
    """What a Cognate model is made of; every length is in tokens, every width in coordinates.

    Changing `memory_capacity`, `halt_threshold`, `max_recursion` or `supervision_weights` changes no weight's
    shape, except that halting keeps one calibration per step.

    Differs: the seed's phase-1 config is kept number by number where it names one (see `cognate_25m`).
    """

    model_type = "cognate"
    keys_to_ignore_at_inference = ["past_key_values"]  # noqa: RUF012 (read by transformers from the class)

    def __init__(
        self,
        *,
        vocab_size: int = 32768,
        embedding_rank: int = 128,
        hidden_size: int = 512,
        num_hidden_layers: int = 8,
        num_attention_heads: int = 8,
        intermediate_size: int = 512,
        max_position_embeddings: int = 2048,
        sliding_window: int = 1024,
        rope_theta: float = 10000.0,
        rms_norm_eps: float = 1e-6,
        memory: str = "titans",
        memory_size: int = 256,
        memory_heads: int = 4,
        memory_depth: int = 2,
        memory_chunk: int = 64,
        memory_capacity: float | None = None,
        memory_decay: float = 0.99,
        memory_layers: list[int] | None = None,
        gate_hidden: int = 256,
        gate_entropy: float = 1e-3,
        max_recursion: int = 3,
        micro_steps: int = 2,
        supervision_weights: list[float] | None = None,
        halt_threshold: float = 0.5,
        halt_ema: float = 0.98,
        halt_weight: float = 0.5,
        use_cache: bool = True,
        bos_token_id: int | None = None,
        eos_token_id: int | None = None,
        pad_token_id: int | None = None,
        **kwargs: Any,
    ) -> None:
        """`memory_size` is the memory's width over all its heads; `memory_layers` None: one in every layer.

        `memory_capacity`: tokens after which what was written has faded to 1/e (None: learned alone);
        `supervision_weights`: one for each recursion step, None for a ramp from 0.5 to 1;
        `halt_weight`: weight of the halting head's cross-entropy in the loss.
        """
        self.vocab_size, self.embedding_rank = vocab_size, embedding_rank
        self.hidden_size, self.intermediate_size = hidden_size, intermediate_size
        self.num_hidden_layers, self.num_attention_heads = num_hidden_layers, num_attention_heads
        self.max_position_embeddings, self.sliding_window = max_position_embeddings, sliding_window
        self.rope_theta, self.rms_norm_eps = rope_theta, rms_norm_eps
        self.memory, self.memory_size, self.memory_heads = memory, memory_size, memory_heads
        self.memory_depth, self.memory_chunk = memory_depth, memory_chunk
        self.memory_capacity, self.memory_decay = memory_capacity, memory_decay
        everywhere = range(num_hidden_layers)
        self.memory_layers = list(everywhere if memory_layers is None else memory_layers)
        self.gate_hidden, self.gate_entropy = gate_hidden, gate_entropy
        self.max_recursion, self.micro_steps = max_recursion, micro_steps
        ramp = [1.0 - 0.5 * s / max(max_recursion - 1, 1) for s in reversed(range(max_recursion))]
        self.supervision_weights = list(ramp if supervision_weights is None else supervision_weights)
        self.halt_threshold, self.halt_ema, self.halt_weight = halt_threshold, halt_ema, halt_weight
        self.use_cache = use_cache
        self.bos_token_id, self.eos_token_id, self.pad_token_id = bos_token_id, eos_token_id, pad_token_id
        super().__init__(**kwargs)
        self._check()

    def _check(self) -> None:
        if self.memory not in MEMORIES:
            raise ValueError(f"memory must be one of {', '.join(MEMORIES)}; got {self.memory!r}")
        if self.memory_size % self.memory_heads:
            raise ValueError(
                f"memory_size {self.memory_size} is not a multiple of memory_heads {self.memory_heads}"
            )
        if not set(self.memory_layers) <= set(range(self.num_hidden_layers)):
            raise ValueError(
                f"memory_layers {self.memory_layers} names layers outside 0..{self.num_hidden_layers - 1}"
            )
        if len(self.supervision_weights) != self.max_recursion:
            raise ValueError(
                f"supervision_weights has {len(self.supervision_weights)} entries for max_recursion "
                f"{self.max_recursion}: give one for each step"
            )
        if self.max_recursion < 1 or self.micro_steps < 1 or self.sliding_window < 1:
            raise ValueError(
                f"max_recursion {self.max_recursion}, micro_steps {self.micro_steps} and sliding_window "
                f"{self.sliding_window} must each be at least 1"
            )


def cognate_25m(**changes: Any) -> CognateConfig:
    """About 25 M parameters, embeddings included, with every number of the seed's phase-1 config.

    Differs: what the seed names does not fit its own 22.5-27.5 M (its documented model has 58.3 M), so that
    the embedding is factorized (rank 128), the feed-forward is as wide as the model instead of 4 times, and
    memory and gate sit in every second layer. The window of 1,024 is causal, not 512 to either side. The
    memory is Titans', in four heads of 64; the seed's factorized one is `memory="exponential"`.
    """
    numbers: dict[str, Any] = {"memory_layers": [1, 3, 5, 7]}
    return CognateConfig(**{**numbers, **changes})


def cognate_tiny(**changes: Any) -> CognateConfig:
    """Under 0.3 M parameters, for two CPU cores and short sequences; memory in the second of two layers."""
    numbers: dict[str, Any] = {
        "vocab_size": 512, "embedding_rank": 32, "hidden_size": 64, "num_hidden_layers": 2,
        "num_attention_heads": 4, "intermediate_size": 128, "max_position_embeddings": 512,
        "sliding_window": 32, "memory_size": 32, "memory_heads": 1, "memory_chunk": 32, "memory_layers": [1],
        "gate_hidden": 32,
    }  # fmt: skip
    return CognateConfig(**{**numbers, **changes})
