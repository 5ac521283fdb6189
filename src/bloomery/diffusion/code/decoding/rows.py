"""One canvas on its way from masks to tokens: what it may not be, how sure its tokens were, its dead ends."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import NamedTuple, Protocol

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from bloomery.diffusion.code.completing.canvas import Committed

from .counts import Counts

Accept = Callable[[list[int]], str]  # why a canvas without masks is not taken; nothing: it is
Flags = npt.NDArray[np.bool_]
NEIGHBOURS = 2  # positions to either side of the least sure token that the first dead end masks with it
TRIES = 8  # surest proposals in one pass before the admissible tokens are computed
SPELLINGS = 2000  # admissible tokens that are tried before a dead end: most pieces spell no lexeme


class Rule(Protocol):
    """What a canvas must stay: completable. `again`: the same rule, for another canvas."""

    def again(self) -> Rule: ...

    def completable(self, tokens: Sequence[int], /) -> bool: ...

    def commit(
        self, tokens: Sequence[int], proposals: Sequence[tuple[int, int]], /
    ) -> tuple[list[int], Committed]: ...

    def admissible_at(self, tokens: Sequence[int], position: int, /) -> Flags: ...

    def alike(self, token: int, /) -> Flags:
        """The tokens that are refused wherever this one is."""


class Proposal(NamedTuple):
    position: int
    token: int
    log_p: float


class Row:
    """`reason` says why nothing is answered; `tokens` are then of no use."""

    def __init__(
        self, tokens: list[int], mask: int, rule: Rule | None, accept: Accept | None, counts: Counts
    ) -> None:
        self.tokens, self.mask, self.rule, self.accept, self.counts = tokens, mask, rule, accept, counts
        self.given = [token != mask for token in tokens]
        self.log_p = [0.0] * len(tokens)
        self.barred: dict[int, Tensor] = {}  # by position (V,): what was refused beside what stands there
        self.tried: dict[int, set[int]] = {}  # what led to dead ends
        self.done, self.reason, self.failures = False, "", 0
        if rule is not None:
            with counts.timed("rules_s"):
                if not rule.completable(tokens):
                    self.refuse("what stands around the masks leaves nothing to complete")

    @property
    def is_open(self) -> bool:
        return not self.done and not self.reason

    def masks(self, start: int = 0, end: int | None = None) -> list[int]:
        return [at for at, token in enumerate(self.tokens[start:end], start) if token == self.mask]

    def refuse(self, reason: str) -> None:
        self.done, self.reason = False, reason

    def take(self, proposals: Sequence[Proposal]) -> int:
        """Keeps what fits of the proposals, the first ones first, and bars the others; how many fit."""
        kept = range(len(proposals))
        if self.rule is None:
            for each in proposals:
                self.tokens[each.position] = each.token
        else:
            with self.counts.timed("rules_s"):
                self.tokens, done = self.rule.commit(self.tokens, [each[:2] for each in proposals])
            kept = done.kept  # type: ignore[assignment]
            for at in done.refused:
                self._bar(proposals[at], alone=at in done.misspelled)
        for at in kept:
            self.log_p[proposals[at].position] = proposals[at].log_p
        self.counts.commits += len(kept)
        self.counts.refusals += len(proposals) - len(kept)
        return len(kept)

    def _bar(self, proposal: Proposal, *, alone: bool) -> None:
        """What the grammar refused, with all tokens like it; what was misspelled, alone."""
        assert self.rule is not None
        alike = torch.from_numpy(self.rule.alike(proposal.token))
        if alone:
            alike = torch.arange(len(alike)) == proposal.token
        known = self.barred.get(proposal.position)
        self.barred[proposal.position] = alike if known is None else known | alike

    def without_barred(self, log_p: Tensor, places: Sequence[int]) -> Tensor:
        """Log probabilities at these positions of what may still be proposed. Shapes: (T, V) -> (T, V)"""
        changed = {*self.barred, *self.tried}.intersection(places)
        if not changed:
            return log_p
        log_p = log_p.clone()
        for number, at in enumerate(places):
            if at not in changed:
                continue
            row = log_p[number]
            if at in self.barred:
                row[self.barred[at].to(row.device)] = -torch.inf
            row[list(self.tried.get(at, ()))] = -torch.inf
            if bool((row > -torch.inf).any()):
                log_p[number] = row.log_softmax(-1)
        return log_p

    def admissible(self, position: int, log_p: Tensor) -> bool:
        """Takes the likeliest token that some completion has there; false where there is none.

        Shapes: log_p (V,)
        """
        if self.rule is None:
            return False
        with self.counts.timed("rules_s"):
            allowed = torch.from_numpy(self.rule.admissible_at(self.tokens, position)).to(log_p.device)
        scores = torch.where(allowed, log_p, -torch.inf)
        for score, token in zip(
            *(each.tolist() for each in scores.topk(min(SPELLINGS, len(scores)))), strict=True
        ):
            if score == -torch.inf:
                break
            if self.take([Proposal(position, token, score)]):
                return True
        return False

    def finish(self, most: int) -> None:
        """To be called where no mask is left: done, or a dead end."""
        why = ""
        if self.accept is not None:
            with self.counts.timed("rules_s"):
                why = self.accept(self.tokens)
        if why:
            self.dead_end(why, most)
        else:
            self.done = True

    def dead_end(self, why: str, most: int, near: int | None = None) -> None:
        """Masks the least sure token (of those near a position) and its neighbours again, more at every
        failure; that token is not tried there again.
        """
        self.failures += 1
        reach = NEIGHBOURS * self.failures
        ours = [at for at, token in enumerate(self.tokens) if not self.given[at] and token != self.mask]
        if self.failures > most or not ours:
            self.refuse(f"after {self.failures} dead ends: {why}")
            return
        self.counts.dead_ends += 1
        if near is not None:
            nearest = sorted(ours, key=lambda at: abs(at - near))
            ours = [at for at in ours if abs(at - near) <= max(reach, abs(nearest[0] - near))]
        worst = min(ours, key=lambda at: self.log_p[at])
        self.tried.setdefault(worst, set()).add(self.tokens[worst])
        for at in ours:
            if near is not None or abs(at - worst) <= reach:
                self.tokens[at], self.log_p[at] = self.mask, 0.0
        self.barred.clear()
