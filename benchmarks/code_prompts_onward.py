"""The autoregressive twin of the prompt model: the same net, canvases, batches and steps, read in order."""

from collections.abc import Mapping, Sequence

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from bloomery.diffusion.code.modelling.autoregressive import causal
from bloomery.diffusion.code.prompting.decoding import Filled
from bloomery.diffusion.code.prompting.layout import MASK_ID, OPENING, SKETCH
from bloomery.diffusion.code.prompting.learning import Loss, split
from bloomery.diffusion.code.prompting.model import PromptModel


def onward(model: PromptModel) -> PromptModel:
    causal(model.net)
    return model


def shifted(x: Tensor) -> Tensor:
    """Each place holds the token before it. Shapes: (B, L) -> (B, L)"""
    return torch.cat([torch.full_like(x[:, :1], MASK_ID), x[:, :-1]], 1)


def next_token_loss() -> Loss:
    """Nats a token, of sketches given prompts and of programs given sketches."""

    def loss(net: nn.Module, batch: Mapping[str, Tensor], generator: torch.Generator) -> Tensor:
        costs = []
        for part, begin in zip(split(batch), (OPENING, OPENING + SKETCH), strict=True):
            x, told = part["x"], {name: one for name, one in part.items() if name != "x"}
            nats = F.cross_entropy(net(shifted(x), **told).flatten(0, 1), x.flatten(), reduction="none")
            counted = part.get("seen", torch.ones_like(x, dtype=torch.bool)).clone()
            counted[:, :begin] = False
            costs.append(nats.view_as(x)[counted].mean())
        return (costs[0] + costs[1])[None]

    return loss


@torch.no_grad()
def fill_onward(model: PromptModel, prompts: Sequence[str], language: str) -> Filled:
    """The likeliest token at each place, from left to right."""
    condition, seen = model.words.batch(prompts)
    opening = torch.tensor([*model.layout(language).given, *[MASK_ID] * SKETCH])
    x = opening.repeat(len(prompts), 1)
    for at in range(OPENING, x.shape[1]):
        x[:, at] = model.asked(shifted(x), condition, seen, language)[:, at].argmax(-1)
    x = model.blank(x, language)
    told = model.told(x, language)
    allowed = model.allowed(x.shape[1])
    for at in range(OPENING + SKETCH, x.shape[1]):
        given = {name: one[:, : at + 1] for name, one in told.items()}
        said = model.net(shifted(x)[:, : at + 1], **given)[:, at].masked_fill(~allowed[at], -torch.inf)
        x[:, at] = torch.where(told["seen"][:, at], said.argmax(-1), x[:, at])
    return Filled(x, x.shape[1] - OPENING)
