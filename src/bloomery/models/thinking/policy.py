"""How thoughts are written: token by token from a policy, all at once."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from .layout import Thoughts
from .streams import Stream


@dataclass(frozen=True, kw_only=True)
class Policy:
    """What a thought may be: at most `length` tokens, none of them `barred`; temperature 0 is greedy."""

    start: int
    end: int
    length: int
    temperature: float = 1.0
    barred: tuple[int, ...] = ()

    def __post_init__(self) -> None:
        if self.length < 1 or self.temperature < 0:
            raise ValueError(
                "a thought has a length of at least 1 and a temperature of at least 0, not "
                f"{self.length} and {self.temperature}"
            )
        if self.end in self.barred or self.start == self.end:
            raise ValueError(f"<end> ({self.end}) must be writable and differ from <start> ({self.start})")

    def allowed(self, logits: Tensor) -> Tensor:
        """The logits with -inf where a token is barred; <start> always is."""
        closed = torch.tensor([self.start, *self.barred], device=logits.device)
        return logits.index_fill(-1, closed, -torch.inf)

    def log_probabilities(self, logits: Tensor) -> Tensor:
        """Of each next token; -inf for a barred one. Shapes: (..., V) -> (..., V)

        Raises: ValueError for a greedy policy, which has none.
        """
        if not self.temperature:
            raise ValueError("a greedy policy (temperature 0) has no log-probabilities; give a temperature")
        return torch.log_softmax(self.allowed(logits) / self.temperature, dim=-1)

    def choose(self, logits: Tensor, generator: torch.Generator | None) -> Tensor:
        """Shapes: (R, V) -> (R,)"""
        if not self.temperature:
            return self.allowed(logits).argmax(-1)
        chances = self.log_probabilities(logits).exp()
        return torch.multinomial(chances, 1, generator=generator)[:, 0]


@torch.no_grad()
def write_thoughts(stream: Stream, policy: Policy, generator: torch.Generator | None = None) -> Thoughts:
    """A thought in each line, up to <end> or the policy's length."""
    rows = len(stream.logits)
    tokens = stream.logits.new_full((rows,), policy.start, dtype=torch.long)
    ended = torch.zeros_like(tokens, dtype=torch.bool)
    written: list[Tensor] = []
    while len(written) < policy.length and not bool(ended.all()):
        stream.add(tokens)
        tokens = policy.choose(stream.logits, generator).where(~ended, policy.end)
        ended = tokens == policy.end
        written.append(tokens)
    ids = torch.stack(written, dim=1)
    return Thoughts(ids, (ids != policy.end).sum(1), ended)
