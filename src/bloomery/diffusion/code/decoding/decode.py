"""Canvases with masks to tokens, the surest first, so that every committed canvas stays completable."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import NamedTuple

import torch
from torch import Tensor

from bloomery.core.errors import UserError
from bloomery.diffusion.processes.categorical import draw_tokens, log_probabilities
from bloomery.diffusion.stepping.selecting import Candidates, Selector, best, confidence, threshold

from .counts import Counts
from .rows import TRIES, Accept, Proposal, Row, Rule

Logits = Callable[[Tensor], Tensor]  # ids (B, L) -> (B, L, V), each position's of the token that stands there
Prepare = Callable[[Tensor, int, int], Logits]  # ids, a block's begin and end -> its logits, or those of all


class Decoded(NamedTuple):
    """Rows that are not answered come back as they were given; `reasons` say why."""

    tokens: Tensor  # (B, L)
    answered: list[bool]
    reasons: list[str]
    log_p: Tensor  # (B, L) of each committed token when it was committed; 0 elsewhere
    counts: Counts


@torch.no_grad()
def decode(
    logits: Logits,
    canvas: Tensor,
    *,
    mask: int,
    generator: torch.Generator,
    constraint: Rule | Sequence[Rule | None] | None = None,
    accept: Accept | None = None,
    selector: Selector | None = None,
    temperature: float = 0.0,
    steps: int | None = None,
    banned: Tensor | None = None,
    block: int | None = None,
    prepare: Prepare | None = None,
    dead_ends: int = 8,
    each: Callable[[list[list[int]]], None] | None = None,
) -> Decoded:
    """Fills the masks of each row, from left to right by blocks, in a block as the selector says.

    constraint: one for all rows, or one a row; no token is committed that leaves nothing to complete.
    accept: judges rows without masks, by a real parser; with it alone (no constraint), what is not accepted
    is masked again where it is least sure. After so many `dead_ends` a row is refused, never given unparsed.
    selector: by default all tokens of at least 0.9. steps: how many passes a block's masks are shared out
    over, for selectors that ask. banned: tokens that no mask becomes (special ones). prepare: gives a block's
    net, which may have kept what the rest of the canvas costs. each: is shown the rows after each pass.

    Shapes: canvas (B, L), banned (V,)
    Source: arXiv 2502.09992 (LLaDA) and arXiv 2505.22618 (Fast-dLLM), decoding by confidence and by blocks
    Raises: UserError
    """
    if canvas.dim() != 2 or canvas.is_floating_point():
        raise UserError(f"a canvas is rows of token ids, (B, L); got {tuple(canvas.shape)} of {canvas.dtype}")
    if (block is not None and block < 1) or (steps is not None and steps < 1) or dead_ends < 0:
        raise UserError("a block and steps are 1 or more, dead ends 0 or more")
    rules = list(constraint) if isinstance(constraint, Sequence) else _for_each(constraint, len(canvas))
    if len(rules) != len(canvas):
        raise UserError(f"{len(rules)} constraints for {len(canvas)} rows; give one, or one a row")
    counts = Counts()
    rows = [
        Row(tokens, mask, rule, accept, counts) for tokens, rule in zip(canvas.tolist(), rules, strict=True)
    ]
    decoding = _Decoding(rows, canvas, selector or threshold(), temperature, steps, banned, generator, counts)
    decoding.run(logits, block or max(canvas.shape[1], 1), prepare, dead_ends, each)
    return _decoded(rows, canvas, counts)


def _for_each(rule: Rule | None, count: int) -> list[Rule | None]:
    return [rule and rule.again() for _ in range(count)]


def _decoded(rows: list[Row], canvas: Tensor, counts: Counts) -> Decoded:
    given = canvas.tolist()
    tokens = [row.tokens if row.done else before for row, before in zip(rows, given, strict=True)]
    log_p = [row.log_p if row.done else [0.0] * len(row.log_p) for row in rows]
    return Decoded(
        torch.tensor(tokens, dtype=canvas.dtype, device=canvas.device).reshape(canvas.shape),
        [row.done for row in rows],
        [row.reason for row in rows],
        torch.tensor(log_p, dtype=torch.float64).reshape(canvas.shape),
        counts,
    )


class _Decoding:
    """The rows and how they are decoded."""

    def __init__(
        self,
        rows: list[Row],
        canvas: Tensor,
        selector: Selector,
        temperature: float,
        steps: int | None,
        banned: Tensor | None,
        generator: torch.Generator,
        counts: Counts,
    ) -> None:
        self.rows, self.canvas, self.selector, self.temperature = rows, canvas, selector, temperature
        self.steps, self.banned, self.generator, self.counts = steps, banned, generator, counts

    def run(
        self,
        logits: Logits,
        block: int,
        prepare: Prepare | None,
        dead_ends: int,
        each: Callable[[list[list[int]]], None] | None,
    ) -> None:
        begun, net, passed = -1, logits, 0
        while (start := self._first_block(block, dead_ends)) >= 0:
            end = min(start + block, self.canvas.shape[1])
            if start != begun:
                begun, passed = start, 0
                net = logits if prepare is None else self._prepared(prepare, start, end)
            self._pass(net, start, end, 1 / max((self.steps or 1) - passed, 1), dead_ends)
            passed += 1
            self.counts.part += prepare is not None
            if each is not None:
                each([list(row.tokens) for row in self.rows])

    def _first_block(self, block: int, dead_ends: int) -> int:
        """Where the leftmost block with masks begins; rows without masks are finished first, -1: all are."""
        first = -1
        for row in self.rows:
            while row.is_open and not row.masks():
                row.finish(dead_ends)
            if row.is_open:
                at = row.masks()[0] // block * block
                first = at if first < 0 else min(first, at)
        return first

    def _ids(self) -> Tensor:
        rows = [row.tokens for row in self.rows]
        return torch.tensor(rows, dtype=self.canvas.dtype, device=self.canvas.device)

    def _prepared(self, prepare: Prepare, start: int, end: int) -> Logits:
        with self.counts.timed("net_s"):
            net = prepare(self._ids(), start, end)
        self.counts.passes += 1
        return net

    def _pass(self, net: Logits, start: int, end: int, share: float, dead_ends: int) -> None:
        x = self._ids()
        with self.counts.timed("net_s"):
            said = net(x)
        self.counts.passes += 1
        if said.shape[1] == x.shape[1]:
            said = said[:, start:end]
        masked = x[:, start:end] == self.rows[0].mask
        inside = masked.any(0).nonzero()[:, 0]  # nothing is asked of the other columns
        places = (inside + start).tolist()
        masked, log_p = masked[:, inside], self._log_p(said[:, inside], places)
        found = self._candidates(log_p, masked, share)
        sure = confidence(found)
        chosen = _chosen(self.selector, found, sure)
        for number, row in enumerate(self.rows):
            if row.is_open and bool(masked[number].any()):
                proposals = _proposals(chosen[number], found.drawn[number], sure[number], places)
                self._commit(row, proposals, log_p[number], places, dead_ends)

    def _log_p(self, said: Tensor, places: Sequence[int]) -> Tensor:
        if self.banned is not None:
            said = said.masked_fill(self.banned.to(said.device), -torch.inf)
        log_p = log_probabilities(said, self.rows[0].mask)
        if not any(row.barred or row.tried for row in self.rows):
            return log_p
        return torch.stack(
            [row.without_barred(each, places) for row, each in zip(self.rows, log_p, strict=True)]
        )

    def _candidates(self, log_p: Tensor, masked: Tensor, share: float) -> Candidates:
        drawn = draw_tokens(log_p, self.generator, self.temperature)
        shares = torch.full((len(log_p),), share if self.steps else 0.0, dtype=log_p.dtype)
        return Candidates(log_p, drawn, masked, shares.to(log_p.device))

    def _commit(
        self, row: Row, proposals: list[Proposal], log_p: Tensor, places: list[int], dead_ends: int
    ) -> None:
        """At least one token, by what the selector chose, the surest of the rest, or what is admissible."""
        number = 0
        for _ in range(TRIES):
            if row.take(proposals):
                return
            log_p = row.without_barred(log_p, places)
            number = _surest(row, log_p, places)
            score, token = log_p[number].max(-1)
            proposals = [Proposal(places[number], int(token), float(score))]
            if proposals[0].log_p == -torch.inf:
                break
        if not row.admissible(places[number], log_p[number]):
            row.dead_end("no token of the vocabulary is admissible there", dead_ends, places[number])


def _surest(row: Row, log_p: Tensor, places: list[int]) -> int:
    """Of the row's masks, by its column, the one with the likeliest token that may still be proposed."""
    scores = log_p.max(-1).values.tolist()
    masks = [number for number, at in enumerate(places) if row.tokens[at] == row.mask]
    return max(masks, key=lambda number: scores[number])


def _chosen(selector: Selector, found: Candidates, sure: Tensor) -> Tensor:
    """What the selector keeps; where that is nothing of a row, the surest. Shapes: -> (B, T)"""
    kept = selector(found) & found.masked
    return torch.where(kept.any(1, keepdim=True), kept, best(sure, found.masked, 1))


def _proposals(chosen: Tensor, drawn: Tensor, sure: Tensor, places: list[int]) -> list[Proposal]:
    """The surest first. Shapes: (T,)"""
    columns = chosen.nonzero()[:, 0].tolist()
    tokens, values, possible = drawn.tolist(), sure.log().tolist(), (sure > 0).tolist()
    found = [Proposal(places[at], tokens[at], values[at]) for at in columns if possible[at]]
    return sorted(found, key=lambda each: -each.log_p)
