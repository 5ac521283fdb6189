"""Cognate: a causal language model with neural memory, recursion on each token's answer, and halting."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torch.utils.checkpoint import checkpoint
from transformers.utils.generic import ModelOutput

from .attention import Sight, SlidingWindowAttention
from .cache_cognate import CognateCache, Tokens, WindowLayer, read_uncached
from .causal_model import IGNORED_LABEL, CausalModel
from .configuration_cognate import CognateConfig
from .embedding import FactorizedEmbedding
from .exponential_memory import ExponentialMemory
from .feedforward import SwiGLU
from .halting import HaltingHead
from .mag import MagGate
from .neural_memory import NeuralMemory
from .recursion import Recursion, Refinement
from .rotary import Rotation, rotation

LOGITS_AT_ONCE = 1 << 26  # vocabulary entries; a larger loss is computed in parts and recomputed backwards


@dataclass
class CognateOutput(ModelOutput):
    """What a forward pass returns; `losses` holds the terms of `loss` as they were added.

    Shapes: logits (B, T or kept, V); step_logits S times that, only where asked; step_losses (S,), in nats;
    halt_probabilities (B, T, S), S the steps that any token executed, a halted token's answer scored on;
    steps_taken (B, T), padding counts as one; gate_mean, gate_entropy () over tokens, channels and layers:
    the gate's 1 is attention, so memory's use is 1 - gate_mean; hidden_states, only where asked.
    """

    loss: Tensor | None = None
    logits: Tensor | None = None
    past_key_values: CognateCache | None = None
    hidden_states: tuple[Tensor, ...] | None = None
    step_logits: tuple[Tensor, ...] | None = None
    step_losses: Tensor | None = None
    halt_probabilities: Tensor | None = None
    steps_taken: Tensor | None = None
    gate_mean: Tensor | None = None
    gate_entropy: Tensor | None = None
    losses: dict[str, Tensor] | None = None


class CognateLayer(nn.Module):
    """x += MAG(attention(norm x), memory(norm x)); x += SwiGLU(norm x). Without memory: attention alone.

    Source: arXiv 2501.00663 (Titans), section 4.2, memory as a gate
    Differs: the seed's gate instead of the paper's normalised product; no persistent tokens.
    """

    def __init__(self, config: CognateConfig, index: int) -> None:
        super().__init__()
        dim = config.hidden_size
        self.attention_norm = nn.RMSNorm(dim, eps=config.rms_norm_eps)
        self.attention = SlidingWindowAttention(dim, config.num_attention_heads)
        self.memory = _memory(config) if index in config.memory_layers else None
        self.mag = None if self.memory is None else MagGate(dim, hidden=config.gate_hidden)
        self.feedforward_norm = nn.RMSNorm(dim, eps=config.rms_norm_eps)
        self.feedforward = SwiGLU(dim, config.intermediate_size)
        for out in (
            self.attention.o_proj,
            self.feedforward.down_proj,
        ):  # the residual stream adds up two a layer
            out.init_std = (2 * config.num_hidden_layers * out.in_features) ** -0.5

    def forward(
        self, x: Tensor, turn: Rotation, tokens: Tokens, slot: WindowLayer | None, memory_enabled: bool
    ) -> tuple[Tensor, tuple[Tensor, Tensor] | None]:
        """Shapes: x (B, T, D) -> the same, and the gate's mean and entropy of each token (B, T)."""
        h = self.attention_norm(x)
        seen = tokens.seen
        look = seen if slot is None else lambda q, k, v: Sight(q, *slot.join(k, v), seen)
        mixed = self.attention(h, turn, look)
        use = None
        if self.memory is not None and self.mag is not None:
            state = None if slot is None else slot.memory
            recalled, state = self.memory(h, state, mask=tokens.valid, write=memory_enabled)
            if slot is not None:
                slot.memory = state
            mixed, gate, entropy = self.mag(mixed, recalled)
            use = gate.mean(-1), entropy
        x = x + mixed
        return x + self.feedforward(self.feedforward_norm(x)), use


def _memory(config: CognateConfig) -> NeuralMemory | ExponentialMemory | None:
    if config.memory == "none":
        return None
    if config.memory == "exponential":
        return ExponentialMemory(config.hidden_size, memory_dim=config.memory_size, decay=config.memory_decay)
    return NeuralMemory(
        config.hidden_size,
        heads=config.memory_heads,
        head_dim=config.memory_size // config.memory_heads,
        depth=config.memory_depth,
        chunk_size=config.memory_chunk,
        capacity=config.memory_capacity,
    )


class CognateForCausalLM(CausalModel[CognateCache]):
    """Backbone of `CognateLayer`s, recursion on its features, one head for every step's answer.

    Source: arXiv 2501.00663 (Titans), arXiv 2510.04871 (TRM), joined as in the seed's phase 1
    """

    config_class = CognateConfig
    cache_class = CognateCache
    base_model_prefix = "cognate"
    supports_gradient_checkpointing = True
    _no_split_modules = ["CognateLayer", "Recursion"]  # noqa: RUF012 (read by transformers from the class)
    passed_by_generate = ("recursion_steps", "halting", "memory_enabled")
    # Read as a matrix, or so small that trits would save nothing: what quantizes layers leaves these.
    full_precision_layers = ("embedding.up_proj", "*.memory.to_gates", "halting.score")

    def __init__(self, config: CognateConfig) -> None:
        super().__init__(config)
        dim, eps = config.hidden_size, config.rms_norm_eps
        self.embedding = FactorizedEmbedding(config.vocab_size, config.embedding_rank, dim)
        self.layers = nn.ModuleList(CognateLayer(config, i) for i in range(config.num_hidden_layers))
        self.norm = nn.RMSNorm(dim, eps=eps)
        self.recursion = Recursion(
            dim, config.num_attention_heads, config.intermediate_size,
            steps=config.max_recursion, micro_steps=config.micro_steps, eps=eps,
        )  # fmt: skip
        self.halting = HaltingHead(dim, config.max_recursion, config.halt_ema)
        self.gradient_checkpointing = False
        self.post_init()

    def gradient_checkpointing_enable(
        self, gradient_checkpointing_kwargs: dict | None = None, **_: Any
    ) -> None:
        """Recomputes layers and recursion steps in the backward pass, by the non-reentrant checkpoint."""
        self.gradient_checkpointing = True

    def gradient_checkpointing_disable(self) -> None:
        self.gradient_checkpointing = False

    def new_cache(self) -> CognateCache:
        """An empty cache for this model."""
        slots = self.config.max_recursion * self.recursion.calls
        return CognateCache(len(self.layers), slots, self.config.sliding_window)

    def forward(
        self,
        input_ids: Tensor | None = None,
        attention_mask: Tensor | None = None,
        labels: Tensor | None = None,
        past_key_values: CognateCache | None = None,
        inputs_embeds: Tensor | None = None,
        use_cache: bool | None = None,
        recursion_steps: int | None = None,
        halting: bool | None = None,
        memory_enabled: bool = True,
        logits_to_keep: int = 0,
        output_hidden_states: bool | None = None,
        output_step_logits: bool = False,
        return_dict: bool | None = None,
    ) -> CognateOutput | tuple:
        """Predicts each next token, and with `labels` (aligned with the input, -100 ignored) the loss.

        `recursion_steps` bounds the depth, None by the config. `halting` lets tokens halt below it; None does
        so outside training where no depth is given. Halting in training teaches tokens to read halted ones.
        `memory_enabled=False` reads memories that nothing was written to. `logits_to_keep` is the number of
        last tokens to return logits for, 0 for all; the loss is over all labels in any case.

        Shapes: input_ids, attention_mask, labels (B, T); inputs_embeds (B, T, D).
        """
        x = self._embed(input_ids, inputs_embeds)
        cache = self._cache(past_key_values, labels is None if use_cache is None else use_cache)
        tokens = (
            read_uncached(attention_mask, x.shape[1], self.config.sliding_window, x.device)
            if cache is None
            else cache.read(attention_mask, x.shape[0], x.shape[1], x.device)
        )
        turn = rotation(tokens.positions, self.recursion.net.attention.head_dim, self.config.rope_theta)
        hidden, uses = self._backbone(x, turn, tokens, cache, memory_enabled)
        refined = self.recursion(
            self.norm(hidden[-1]), turn, tokens, self.halting,
            steps=self._depth(recursion_steps), cache=cache, recompute=self._recompute,
            threshold=self.config.halt_threshold if self._halts(halting, recursion_steps) else None,
        )  # fmt: skip
        output = self._output(refined, hidden, uses, tokens, logits_to_keep, output_step_logits)
        output.past_key_values = cache
        if not (self.config.output_hidden_states if output_hidden_states is None else output_hidden_states):
            output.hidden_states = None
        if labels is not None:
            self._add_losses(output, refined, labels)
        return output.to_tuple() if return_dict is False else output

    @property
    def _recompute(self) -> bool:
        return self.gradient_checkpointing and self.training and torch.is_grad_enabled()

    def _depth(self, recursion_steps: int | None) -> int:
        steps = self.config.max_recursion if recursion_steps is None else recursion_steps
        if not 1 <= steps <= self.config.max_recursion:
            raise ValueError(f"recursion_steps must be from 1 to {self.config.max_recursion}, got {steps}")
        return steps

    def _halts(self, halting: bool | None, recursion_steps: int | None) -> bool:
        return not self.training and recursion_steps is None if halting is None else halting

    def _backbone(
        self, x: Tensor, turn: Rotation, tokens: Tokens, cache: CognateCache | None, memory_enabled: bool
    ) -> tuple[list[Tensor], list[tuple[Tensor, Tensor]]]:
        hidden, uses = [x], []
        for i, layer in enumerate(self.layers):
            slot = None if cache is None else cache.windows[i]
            arguments = (hidden[-1], turn, tokens, slot, memory_enabled)
            if self._recompute and cache is None:
                x, use = checkpoint(layer, *arguments, use_reentrant=False)
            else:
                x, use = layer(*arguments)
            hidden.append(x)
            if use is not None:
                uses.append(use)
        return hidden, uses

    def _output(
        self, refined: Refinement, hidden: list[Tensor], uses: list[tuple[Tensor, Tensor]], tokens: Tokens,
        logits_to_keep: int, output_step_logits: bool,
    ) -> CognateOutput:  # fmt: skip
        kept = [
            y[:, -logits_to_keep:] for y in (refined.answers if output_step_logits else refined.answers[-1:])
        ]
        step_logits = tuple(self.embedding.logits(y) for y in kept)
        raw = refined.halt_logits
        output = CognateOutput(
            logits=step_logits[-1],
            hidden_states=tuple(hidden),
            step_logits=step_logits if output_step_logits else None,
            halt_probabilities=torch.stack(
                [self.halting.probability(raw[..., s].detach(), s) for s in range(raw.shape[-1])], dim=-1
            ),
            steps_taken=refined.steps_taken,
        )
        if uses:
            output.gate_mean, output.gate_entropy = (
                _token_mean(torch.stack(values).mean(0), tokens.valid) for values in zip(*uses, strict=True)
            )
        return output

    def _add_losses(self, output: CognateOutput, refined: Refinement, labels: Tensor) -> None:
        """Deep supervision over steps, the halting head's cross-entropy and the gate's entropy bonus.

        Differs: the seed sums the weighted step losses; ours is their weighted mean, so that it stays in nats
        per token at any depth. A depth k below the maximum takes the last k weights.
        """
        target = labels[:, 1:]
        keep = target != IGNORED_LABEL
        target = target[keep]
        answers = torch.stack([y[:, :-1][keep] for y in refined.answers])  # (S, N, D)
        nll, correct = self._score(answers, target)  # (S, N) each
        steps = len(refined.answers)
        w = answers.new_tensor(self.config.supervision_weights[-steps:], dtype=nll.dtype)
        output.step_losses = nll.sum(1) / target.numel()  # of no targets NaN, as torch has it
        halt_logits = refined.halt_logits[:, :-1][keep]  # (N, S)
        losses = {
            "language": (w * output.step_losses).sum() / w.sum(),
            "halting": self.config.halt_weight * self.halting.loss(halt_logits, correct.T),
        }
        if output.gate_entropy is not None:
            losses["gate_entropy"] = -self.config.gate_entropy * output.gate_entropy
        if self.training and torch.is_grad_enabled():
            self.halting.calibrate(halt_logits, correct.T)
        output.losses, output.loss = losses, torch.stack([v.float() for v in losses.values()]).sum()

    def _score(self, answers: Tensor, target: Tensor) -> tuple[Tensor, Tensor]:
        """Negative log-likelihood and correctness of each labelled token at each step.

        Shapes: answers (S, N, D), target (N,) -> two of (S, N).
        """
        at_once = max(LOGITS_AT_ONCE // (self.config.vocab_size * answers.shape[0]), 1)
        if target.numel() <= at_once:
            return self._score_part(answers, target)
        parts = [
            checkpoint(self._score_part, a, t, use_reentrant=False)
            for a, t in zip(answers.split(at_once, dim=1), target.split(at_once), strict=True)
        ]
        nll, correct = zip(*parts, strict=True)
        return torch.cat(nll, dim=1), torch.cat(correct, dim=1)

    def _score_part(self, answers: Tensor, target: Tensor) -> tuple[Tensor, Tensor]:
        logits = self.embedding.logits(answers).float()
        labels = target.expand(logits.shape[:2])
        nll = F.cross_entropy(logits.transpose(1, 2), labels, reduction="none")
        return nll, logits.argmax(-1) == labels


def _token_mean(values: Tensor, valid: Tensor | None) -> Tensor:
    """Mean over tokens that are not padding. Shapes: both (B, T)."""
    if valid is None:
        return values.mean()
    return (values * valid).sum() / valid.sum().clamp(min=1)


CognateConfig.register_for_auto_class()
CognateForCausalLM.register_for_auto_class("AutoModelForCausalLM")
