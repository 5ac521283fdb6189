"""A tiny recursion model: a grid of symbols in, one out, refined by one small net many times."""

from __future__ import annotations

from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor, nn
from transformers.modeling_utils import PreTrainedModel
from transformers.utils.generic import ModelOutput

from .configuration_trm import TinyRecursionConfig
from .deep_recursion import State, deep_recursion
from .tiny_net import OverAll, OverPlaces, TinyBlock

IGNORED_LABEL = -100
HALTS_AT_FIRST = -5.0  # the halting logit of an untrained model


@dataclass
class TinyRecursionOutput(ModelOutput):
    """After the last supervision step; the state is detached and starts the next one.

    Shapes: loss (); logits (B, L, V); halt_logits (B,); answer, latent (B, P + L, D)
    """

    loss: Tensor | None = None
    logits: Tensor | None = None
    halt_logits: Tensor | None = None
    answer: Tensor | None = None
    latent: Tensor | None = None


class TinyRecursionModel(PreTrainedModel):
    """Question x, answer y and latent z of a grid, through `deep_recursion`; heads read y.

    Source: arXiv 2510.04871 (TRM), sections 2 and 4
    Differs: cross-entropy by softmax as in its figure 3, where the released code has a stable max; the answer
    and the latent begin at constants that are drawn once, as in the released code.
    """

    config_class = TinyRecursionConfig
    main_input_name = "input_ids"
    _supports_sdpa = True
    first_answer: Tensor
    first_latent: Tensor

    def __init__(self, config: TinyRecursionConfig) -> None:
        super().__init__(config)
        dim = config.hidden_size
        self.symbols = nn.Embedding(config.vocab_size, dim)
        self.puzzles = nn.Embedding(config.puzzles, config.puzzle_tokens * dim)
        self.net = nn.Sequential(*(self._block(config) for _ in range(config.num_hidden_layers)))
        self.output = nn.Linear(dim, config.vocab_size, bias=False)
        self.halt = nn.Linear(dim, 1)
        self.register_buffer("first_answer", torch.empty(dim))
        self.register_buffer("first_latent", torch.empty(dim))
        self.post_init()

    @staticmethod
    def _block(config: TinyRecursionConfig) -> TinyBlock:
        places = config.puzzle_tokens + config.seq_len
        mixer = (
            OverPlaces(places, config.mixer_size)
            if config.mixer == "mlp"
            else OverAll(config.hidden_size, config.num_attention_heads, config.rope_theta)
        )
        return TinyBlock(mixer, config.hidden_size, config.intermediate_size, config.rms_norm_eps)

    @torch.no_grad()
    def _init_weights(self, module: nn.Module) -> None:
        """Truncated normal, of variance 1 / fan-in; symbols of variance 1; puzzles and halting from 0."""
        if module is self.halt:
            nn.init.zeros_(self.halt.weight)
            nn.init.constant_(self.halt.bias, HALTS_AT_FIRST)
        elif module is self.puzzles:
            nn.init.zeros_(self.puzzles.weight)
        elif isinstance(module, nn.Linear):
            _truncated(module.weight, module.in_features**-0.5)
        elif module is self.symbols:
            _truncated(self.symbols.weight, 1.0)
        elif module is self:
            _truncated(self.first_answer, 1.0)
            _truncated(self.first_latent, 1.0)

    def begin(self, rows: int) -> State:
        """The answer and the latent before the first supervision step.

        Shapes: both (rows, P + L, D)
        """
        places = self.config.puzzle_tokens + self.config.seq_len
        return State(*(first.expand(rows, places, -1) for first in (self.first_answer, self.first_latent)))

    def forward(
        self,
        input_ids: Tensor,
        labels: Tensor | None = None,
        puzzle_ids: Tensor | None = None,
        state: State | None = None,
        supervision_steps: int | None = None,
    ) -> TinyRecursionOutput:
        """The grids' answers after so many supervision steps (None: the config's) from `state` on.

        With `labels` (-100 is ignored) the loss is the mean over these steps, each of which learns alone.

        Shapes: input_ids, labels (B, L); puzzle_ids (B,), 0 where not given; state (B, P + L, D)
        Source: arXiv 2510.04871 (TRM), figure 3
        """
        config = self.config
        x = self._question(input_ids, puzzle_ids)
        state = self.begin(len(x)) if state is None else state
        steps = config.supervision_steps if supervision_steps is None else supervision_steps
        if steps < 1:
            raise ValueError(f"supervision_steps must be at least 1, got {steps}")
        losses: list[Tensor] = []
        for _ in range(steps):
            state = deep_recursion(self.net, x, state.detach(), config.latent_updates, config.rounds)
            logits, q = (
                self.output(state.answer[:, config.puzzle_tokens :]),
                self.halt(state.answer[:, 0])[:, 0],
            )
            if labels is not None:
                losses.append(self._loss(logits, q, labels))
        return TinyRecursionOutput(
            loss=torch.stack(losses).mean() if losses else None,
            logits=logits,
            halt_logits=q,
            answer=state.answer.detach(),
            latent=state.latent.detach(),
        )

    def _question(self, input_ids: Tensor, puzzle_ids: Tensor | None) -> Tensor:
        """The puzzle's own tokens and the grid's symbols. Shapes: (B, L) -> (B, P + L, D)"""
        if input_ids.shape[1] != self.config.seq_len:
            raise ValueError(f"a grid has {self.config.seq_len} cells here, got {input_ids.shape[1]}; pad it")
        if puzzle_ids is None:
            puzzle_ids = input_ids.new_zeros(len(input_ids))
        own = self.puzzles(puzzle_ids).unflatten(1, (self.config.puzzle_tokens, self.config.hidden_size))
        return torch.cat((own, self.symbols(input_ids)), dim=1)

    def _loss(self, logits: Tensor, q: Tensor, labels: Tensor) -> Tensor:
        """Cross-entropy of the cells, and of whether all of a grid's are right."""
        answers = F.cross_entropy(logits.mT.float(), labels, ignore_index=IGNORED_LABEL)
        right = solved(logits, labels).float()
        return answers + self.config.halting_weight * F.binary_cross_entropy_with_logits(q.float(), right)


def solved(logits: Tensor, labels: Tensor) -> Tensor:
    """Whether every cell that has a label is right. Shapes: (B, L, V), (B, L) -> (B,)"""
    return ((logits.argmax(-1) == labels) | (labels == IGNORED_LABEL)).all(1)


def _truncated(weight: Tensor, std: float) -> None:
    nn.init.trunc_normal_(weight, std=std, a=-2 * std, b=2 * std)


TinyRecursionConfig.register_for_auto_class()
