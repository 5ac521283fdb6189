"""Canvases filled for prompts: the sketch first, then the program; as many tokens a pass as are sure."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from bloomery.diffusion.code.prompting.layout import MASK_ID, SKETCH
from bloomery.diffusion.code.prompting.model import PromptModel
from bloomery.diffusion.denoisers.caching import keeping
from bloomery.diffusion.processes.process import Net
from bloomery.diffusion.processes.sampling import sample
from bloomery.diffusion.stepping.blocks import sample_blocks
from bloomery.diffusion.stepping.passes import Counted
from bloomery.diffusion.stepping.selecting import Selector, selecting, surest, threshold
from bloomery.diffusion.stepping.stopping import nothing_masked

SURE = 0.9


@dataclass(frozen=True)
class Filled:
    """Canvases (B, L) without masks, and what they cost."""

    canvases: Tensor
    passes: int  # of the net over the whole batch


@torch.no_grad()
def fill(
    model: PromptModel,
    prompts: Sequence[str],
    language: str,
    *,
    generator: torch.Generator,
    selector: Selector | None = None,
    temperature: float = 0.0,
    block: int | None = None,
) -> Filled:
    """A canvas for each prompt. Tokens are drawn at the temperature (0: the likeliest) and kept where the
    selector says so; by default where their probability is at least 0.9.

    With a `block`, programs are filled in blocks of so many tokens, from left to right, and the keys and
    values of the rest are kept meanwhile.

    Raises: UnknownName; PromptRefused for words that the model never read.
    """
    opening = torch.tensor([*model.layout(language).given, *[MASK_ID] * SKETCH])
    condition, seen = model.words.batch(prompts)
    stepper, process = selecting(selector or threshold(SURE), temperature), model.process
    options: dict[str, Any] = {"generator": generator, "stepper": stepper, "done": nothing_masked(MASK_ID)}
    reading = Counted(lambda x, t: model.asked(x, condition, seen, language))
    sketches = sample(process, reading, opening.repeat(len(prompts), 1), steps=SKETCH, **options)
    x = model.blank(sketches, language)
    writing = Counted(lambda x, t: model.logits(x, language))
    if block is None:
        x = sample(process, writing, x, steps=x.shape[1], **options)
        return Filled(x, reading.passes + writing.passes)
    kept = Kept(model, language)
    begin = len(opening)
    x = sample_blocks(process, writing, x, block=block, steps=block, begin=begin, prepare=kept, **options)
    return Filled(x, reading.passes + kept.passes)


class Kept:
    """A net for each block, which keeps what the rest of the canvas costs; that costs a whole pass itself."""

    def __init__(self, model: PromptModel, language: str) -> None:
        self.model, self.language, self.passes = model, language, 0

    def __call__(self, x: Tensor, start: int, end: int) -> Net:
        told: dict[str, Any] = dict(self.model.told(x, self.language))
        kept = keeping(self.model.net, x, start, end, torch.ones(len(x)), **told)
        barred = ~self.model.allowed(x.shape[1])
        self.passes += 1

        def net(x: Tensor, t: Tensor) -> Tensor:
            self.passes += 1
            return kept(x, t).masked_fill(barred, -torch.inf)

        return net


def one_by_one() -> Selector:
    """The surest token of each pass: as many passes as tokens."""
    return surest(1)


def sources(model: PromptModel, canvases: Tensor, language: str) -> list[str]:
    return [model.source(row, language) for row in canvases]
