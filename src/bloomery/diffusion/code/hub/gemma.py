"""DiffusionGemma: its canvas begins as random tokens, and all of them may change in every pass.

It has no mask, so what fills masks does not fit it; transformers has its sampler.
"""

from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn

from bloomery.core.errors import UserError

from .families import Family
from .model import encoded_prompt

SURE = 30.0  # a logit that leaves a known token no doubt


@dataclass(frozen=True)
class ReplacingModel:
    """`block`: the longest canvas; what stands before the last so many tokens is known."""

    family: Family
    net: nn.Module
    tokenizer: Any
    block: int
    mask: None = None

    def logits(self, ids: Tensor, begin: int | None = None) -> Tensor:
        """Of the token at each place of the canvas, which begins at `begin`; before it each token is itself.

        Shapes: ids (B, L) -> (B, L, V)
        Raises: UserError without a token before the canvas.
        """
        begin = max(ids.shape[1] - self.block, 1) if begin is None else begin
        if not 1 <= begin < ids.shape[1]:
            raise UserError(
                f"{self.family.name} reads at least one token before its canvas: got {ids.shape[1]} tokens, "
                f"a canvas from {begin} on"
            )
        said: Tensor = self.net(input_ids=ids[:, :begin], decoder_input_ids=ids[:, begin:]).logits
        known = nn.functional.one_hot(ids[:, :begin], said.shape[-1]).to(said) * SURE
        return torch.cat([known, said], 1)

    def encode_prompt(self, prompt: str) -> list[int]:
        return encoded_prompt(self.tokenizer, prompt)

    def write(self, prompt: str, *, length: int, steps: int, generator: torch.Generator) -> str:
        """By the sampler that transformers has for it, whose randomness is seeded by the generator."""
        asked = torch.tensor([self.encode_prompt(prompt)], device=next(self.net.parameters()).device)
        with torch.random.fork_rng(), torch.no_grad():
            torch.manual_seed(generator.initial_seed())
            net: Any = self.net
            found = net.generate(input_ids=asked, max_new_tokens=length, max_denoising_steps=steps)
        ids = [int(token) for token in found.sequences[0, asked.shape[1] :]]
        return str(self.tokenizer.decode(ids, skip_special_tokens=True))
