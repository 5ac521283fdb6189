"""Sizes and switches of a tiny recursion model."""

from __future__ import annotations

from typing import Any

from transformers.configuration_utils import PretrainedConfig

MIXERS = ("attention", "mlp")


class TinyRecursionConfig(PretrainedConfig):
    """What a tiny recursion model is made of; the defaults are the paper's for Sudoku, with attention."""

    model_type = "trm"

    def __init__(
        self,
        *,
        mixer: str = "attention",
        vocab_size: int = 11,
        seq_len: int = 81,
        hidden_size: int = 512,
        num_hidden_layers: int = 2,
        num_attention_heads: int = 8,
        intermediate_size: int = 1536,
        mixer_size: int = 512,
        latent_updates: int = 6,
        rounds: int = 3,
        supervision_steps: int = 16,
        puzzles: int = 1,
        puzzle_tokens: int = 16,
        halting_weight: float = 1.0,
        rope_theta: float = 10000.0,
        rms_norm_eps: float = 1e-5,
        **kwargs: Any,
    ) -> None:
        """`seq_len` is a grid's cells; before them stand `puzzle_tokens` of the puzzle's own, of `puzzles`.

        `mixer` is what lets cells see each other: attention, or, for small grids, a perceptron over the
        places, `mixer_size` wide. `latent_updates` is n, `rounds` T, `supervision_steps` N_sup.
        """
        self.mixer, self.vocab_size, self.seq_len = mixer, vocab_size, seq_len
        self.hidden_size, self.num_hidden_layers = hidden_size, num_hidden_layers
        self.num_attention_heads, self.intermediate_size = num_attention_heads, intermediate_size
        self.mixer_size = mixer_size
        self.latent_updates, self.rounds, self.supervision_steps = latent_updates, rounds, supervision_steps
        self.puzzles, self.puzzle_tokens, self.halting_weight = puzzles, puzzle_tokens, halting_weight
        self.rope_theta, self.rms_norm_eps = rope_theta, rms_norm_eps
        super().__init__(**kwargs)
        self._check()

    def _check(self) -> None:
        if self.mixer not in MIXERS:
            raise ValueError(f"mixer must be one of {', '.join(MIXERS)}; got {self.mixer!r}")
        counts = (
            "vocab_size",
            "seq_len",
            "num_hidden_layers",
            "latent_updates",
            "rounds",
            "supervision_steps",
        )
        for name in (*counts, "puzzles"):
            if getattr(self, name) < 1:
                raise ValueError(f"{name} must be at least 1, got {getattr(self, name)}")
        if self.puzzle_tokens < 0:
            raise ValueError(f"puzzle_tokens must be at least 0, got {self.puzzle_tokens}")
