"""A diffusion language model of the Hub: logits by places, prompts, and masks filled block by block."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Protocol

import torch
from torch import Tensor, nn

from bloomery.core.errors import UserError
from bloomery.diffusion.processes.masked import MaskedDiffusion
from bloomery.diffusion.processes.process import Stepper
from bloomery.diffusion.stepping.blocks import sample_blocks
from bloomery.diffusion.stepping.selecting import selecting, surest

from .families import Family
from .settings import ids_of

ROLE = {"role": "user"}


class Written(Protocol):
    """What writes by prompts: masked models here, and those that replace tokens (`gemma`)."""

    family: Family
    tokenizer: Any
    mask: int | None

    def logits(self, ids: Tensor) -> Tensor: ...

    def encode_prompt(self, prompt: str) -> list[int]: ...

    def write(self, prompt: str, *, length: int, steps: int, generator: torch.Generator) -> str: ...


@dataclass(frozen=True)
class HubModel:
    """`block`: how many positions see one another and all before them; none: all see all."""

    family: Family
    net: nn.Module
    tokenizer: Any
    mask: int
    block: int | None = None

    def logits(self, ids: Tensor) -> Tensor:
        """Of the token at each place. At the first place of families that shift it is of the next one: no net
        of theirs says what begins a text.

        Shapes: ids (B, L) -> (B, L, V)
        """
        said: Tensor = self.net(input_ids=ids, **self._told(ids)).logits
        return torch.cat([said[:, :1], said[:, :-1]], 1) if self.family.shift else said

    def _told(self, ids: Tensor) -> dict[str, Any]:
        """What the net is given beside the tokens."""
        told: dict[str, Any] = {}
        if self.family.timed:
            told["timesteps"] = torch.zeros(len(ids), device=ids.device)
        if self.family.name == "BD3LM":
            told["sample_mode"] = True
        if self.family.attention != "own":
            dtype = next(self.net.parameters()).dtype
            seen = attention(ids.shape[1], self.block if self.family.attention == "block-causal" else None)
            told["attention_mask"] = seen.to(ids.device, dtype).expand(len(ids), 1, -1, -1)
        return told

    @cached_property
    def process(self) -> MaskedDiffusion:
        return MaskedDiffusion(mask=self.mask)

    @cached_property
    def barred(self) -> list[int]:
        """Tokens that are no text: those that ask for a longer canvas, and fillers of one."""
        return ids_of(self.tokenizer, self.family.barred)

    @cached_property
    def end(self) -> int | None:
        return getattr(self.tokenizer, "eos_token_id", None)

    def encode(self, text: str) -> list[int]:
        return list(self.tokenizer.encode(text, add_special_tokens=False))

    def encode_prompt(self, prompt: str) -> list[int]:
        return encoded_prompt(self.tokenizer, prompt)

    def decode(self, ids: Sequence[int]) -> str:
        """The text up to the token that ends it."""
        kept = list(ids)
        kept = kept[: kept.index(self.end)] if self.end in kept else kept
        return str(self.tokenizer.decode(kept, skip_special_tokens=True))

    def write(
        self,
        prompt: str,
        *,
        length: int,
        steps: int,
        generator: torch.Generator,
        block: int | None = None,
        stepper: Stepper | None = None,
    ) -> str:
        """An answer of at most so many tokens, `steps` passes of the net for each block of it.

        Raises: UserError for a length that is none.
        """
        asked = self.encode_prompt(prompt)
        ids = self._filled(
            asked, length, [], steps=steps, generator=generator, block=block or self.block, stepper=stepper
        )
        return self.decode(ids[len(asked) :])

    def fill(
        self,
        before: str,
        after: str,
        *,
        length: int,
        steps: int,
        generator: torch.Generator,
        stepper: Stepper | None = None,
    ) -> str:
        """What stands between two texts, in so many tokens.

        Raises: UserError for families whose positions do not see what comes after them.
        """
        if self.family.attention == "block-causal":
            raise UserError(
                f"{self.family.name} sees only what comes before a block of {self.block} tokens: it writes, "
                "but fills no hole before a text; use a family with full attention"
            )
        head, tail = self.encode(before), self.encode(after)
        ids = self._filled(head, length, tail, steps=steps, generator=generator, block=None, stepper=stepper)
        return self.decode(ids[len(head) : len(head) + length])

    def _filled(
        self,
        head: list[int],
        length: int,
        tail: list[int],
        *,
        steps: int,
        generator: torch.Generator,
        block: int | None,
        stepper: Stepper | None,
    ) -> list[int]:
        if length < 1:
            raise UserError(f"an answer has 1 token or more, not {length}")
        canvas = torch.tensor([[*head, *[self.mask] * length, *tail]], device=self._device)
        size = canvas.shape[1] if tail else block or length
        found = sample_blocks(
            self.process,
            lambda x, t: self._barred_logits(x),
            canvas,
            block=size,
            steps=steps,
            generator=generator,
            stepper=stepper or selecting(surest()),
            begin=len(head) // size * size if self.block else len(head),
            done=lambda x, t: not bool((x == self.mask).any()),
        )
        return [int(token) for token in found[0]]

    def _barred_logits(self, ids: Tensor) -> Tensor:
        said = self.logits(ids)
        if self.barred:
            said = said.index_fill(-1, torch.tensor(self.barred, device=said.device), -torch.inf)
        return said

    @property
    def _device(self) -> torch.device:
        return next(self.net.parameters()).device


def attention(length: int, block: int | None) -> Tensor:
    """0 where a position sees another and minus infinity where not. Shapes: -> (1, 1, length, length)

    Source: arXiv 2503.09573 (block diffusion), its block-causal mask
    """
    place = torch.arange(length) // (block or length or 1)
    seen = place[:, None] >= place[None, :]
    return torch.zeros(length, length).masked_fill(~seen, -torch.inf)[None, None]


def encoded_prompt(tokenizer: Any, prompt: str) -> list[int]:
    """A prompt as the model's chat has it, where it was taught one; else the text and what begins texts."""
    if getattr(tokenizer, "chat_template", None):
        said = tokenizer.apply_chat_template(
            [ROLE | {"content": prompt}], add_generation_prompt=True, tokenize=False
        )
        return list(tokenizer.encode(said, add_special_tokens=False))
    return list(tokenizer.encode(prompt))
