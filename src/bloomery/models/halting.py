"""Adaptive computation: a head that learns when a token's answer is already right, and stops there."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor, nn


class HaltingHead(nn.Module):
    """q_s(i) = sigmoid(w . y_s(i) + b + c_s), the probability that step s's prediction at token i is right.

    w and b learn by binary cross-entropy against correctness. c_s is not learnt: it is the difference of
    the log-odds of two exponential moving averages, of the correctness that step s showed in training and
    of the probability that the head gave to it, so that on average q_s means what it says.
    The averages are buffers: they are saved, and a resumed run continues with them.

    Source: trm eq. 4.6a
    Differs: ACT (`pondering`) weighs states by halting mass and pays a ponder cost; here a token's last
    state counts alone.
    The seed compared a batch's mean q with the threshold and gave the head no gradient; here each token halts
    by itself and the head is trained.
    """

    correct_ema: Tensor
    predicted_ema: Tensor

    def __init__(self, dim: int, steps: int, decay: float) -> None:
        super().__init__()
        self.score = nn.Linear(dim, 1)
        self.score.init_std = 0.0  # type: ignore[assignment]  # an untrained head says 1/2, and no token halts at a threshold of 1/2
        self.decay = decay
        self.register_buffer("correct_ema", torch.full((steps,), 0.5))
        self.register_buffer("predicted_ema", torch.full((steps,), 0.5))

    def forward(self, y: Tensor) -> Tensor:
        """The logit before calibration. Shapes: (..., D) -> (...).

        Not by a matrix product: with one row its last bits depend on where the weights lie in memory.
        """
        return (y * self.score.weight[0]).sum(-1) + self.score.bias[0]

    def probability(self, logit: Tensor, step: int) -> Tensor:
        """The calibrated q of step `step` (0-based)."""
        correct, predicted = (ema[step].float().clamp(1e-3, 1 - 1e-3) for ema in self._averages())
        return torch.sigmoid(logit.float() + torch.logit(correct) - torch.logit(predicted))

    def loss(self, logits: Tensor, correct: Tensor) -> Tensor:
        """Mean binary cross-entropy; of no tokens NaN, whose gradients are zeros. Shapes: both (N, S)."""
        return F.binary_cross_entropy_with_logits(logits.float(), correct.float())

    @torch.no_grad()
    def calibrate(self, logits: Tensor, correct: Tensor) -> None:
        """Moves both averages by one batch. Shapes: both (N, S), S at most the number of steps."""
        if logits.numel() == 0:
            return
        steps = logits.shape[-1]
        for ema, now in zip(self._averages(), (correct.float(), torch.sigmoid(logits.float())), strict=True):
            ema[:steps].lerp_(now.mean(dim=0).to(ema.dtype), 1 - self.decay)

    def _averages(self) -> tuple[Tensor, Tensor]:
        return self.correct_ema, self.predicted_ema
