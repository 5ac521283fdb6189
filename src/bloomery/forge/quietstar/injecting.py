"""Where thinking may help: the tokens at which a model is unsure, looks everywhere, or was just surprised."""

import math
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, NamedTuple

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from bloomery.forge.quietstar.reinforcement import InjectionConfig
from bloomery.models.thinking.layout import Spots, Texts
from bloomery.models.thinking.reading import takes


class Difficulty(NamedTuple):
    """Of each token, all from 0 to 1; `dispersion` is None where the model shows no attention.

    Shapes: each (B, L); 0 where there is no token
    """

    score: Tensor
    entropy: Tensor
    loss: Tensor
    dispersion: Tensor | None

    @property
    def left_out(self) -> tuple[str, ...]:
        """The parts that the score had to do without."""
        return ("dispersion",) if self.dispersion is None else ()


@torch.no_grad()
def difficulty(model: nn.Module, texts: Texts, config: InjectionConfig) -> Difficulty:
    """How hard each token is to go on from, as far as the text up to it tells.

    Entropy of the next token and loss of the token itself are shares of log V, what a uniform guess has (a
    larger loss counts as 1); dispersion is the entropy of attention, mean over layers and heads, as a share
    of log of the tokens seen. The score is their weighted mean; a part that is left out has no weight.

    Differs: the loss is that of the token just read, not of the one to come, which is unknown where a model
    writes and whose expectation the entropy is.
    """
    output, attentions = _run(model, texts)
    valid = texts.mask.float()
    log_p = torch.log_softmax(output.logits.float(), dim=-1)
    most = math.log(log_p.shape[-1])
    entropy = -(log_p.exp() * log_p).sum(-1) / most * valid
    surprise = -log_p[:, :-1].gather(-1, texts.ids[:, 1:, None])[..., 0] / most
    loss = F.pad(surprise, (1, 0)).clamp(0, 1) * valid  # nothing foretold the first token
    dispersion = None if attentions is None else _dispersion(attentions) * valid
    return Difficulty(_score(config, entropy, loss, dispersion), entropy, loss, dispersion)


def choose(score: Tensor, config: InjectionConfig, allowed: Tensor | None = None) -> Spots:
    """The tokens whose score reaches the threshold, from left to right and never nearer than the gap.

    Shapes: score, allowed (B, L)
    """
    hard = score >= config.threshold
    hard = hard if allowed is None else hard & allowed
    chosen = [(text, place) for text, row in enumerate(hard) for place in spaced(row, config.gap)]
    table = torch.tensor(chosen, dtype=torch.long, device=score.device).reshape(-1, 2)
    return Spots(table[:, 0], table[:, 1])


def spaced(hard: Tensor, gap: int) -> Iterator[int]:
    """Shapes: hard (L,)"""
    after = 0
    for place in hard.nonzero()[:, 0].tolist():
        if place >= after:
            yield place
            after = place + gap


def _score(config: InjectionConfig, entropy: Tensor, loss: Tensor, dispersion: Tensor | None) -> Tensor:
    parts = [(config.entropy, entropy), (config.loss, loss)]
    if dispersion is not None:
        parts.append((config.dispersion, dispersion))
    total = sum(weight for weight, _ in parts)
    return sum((weight / total * part for weight, part in parts), torch.zeros_like(entropy))


def _dispersion(attentions: tuple[Tensor, ...]) -> Tensor:
    """Shapes: (B, heads, L, L) each -> (B, L); the first token sees itself alone, evenly or not: 0."""
    each = [-torch.xlogy(a.float(), a.float()).sum(-1).mean(1) for a in attentions]
    seen = torch.arange(1, each[0].shape[1] + 1, device=each[0].device).float()
    return torch.stack(each).mean(0) / seen.log().clamp(min=1e-9)


def _run(model: nn.Module, texts: Texts) -> tuple[Any, tuple[Tensor, ...] | None]:
    given = {"input_ids": texts.ids, "attention_mask": texts.mask, "use_cache": False}
    if not shows_attention(model):
        return model(**given), None
    with _eager(model):
        output = model(**given, output_attentions=True)
    return output, output.attentions


def shows_attention(model: nn.Module) -> bool:
    recorded = getattr(model, "_can_record_outputs", None) or {}
    return "attentions" in recorded or takes(model, "output_attentions")


@contextmanager
def _eager(model: Any) -> Iterator[None]:
    """The attention that has a matrix to show, for a while: fused kernels never hold one."""
    before = model.config._attn_implementation
    model.set_attn_implementation("eager")
    try:
        yield
    finally:
        model.set_attn_implementation(before)
