"""A hole in a file filled, so that the file parses, or nothing."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any, Literal, NamedTuple

import torch

from bloomery.core.errors import UserError
from bloomery.diffusion.code.lexemes.vocabulary import SPECIAL
from bloomery.diffusion.code.modelling.model import MASK_ID, CodeModel
from bloomery.diffusion.code.modelling.windows import PAD_ID
from bloomery.diffusion.stepping.selecting import Selector

from .caching import between, cached, prepared_between
from .counts import Counts
from .decode import decode
from .framing import Frame, framed
from .holes import Hole

WINDOW = 256  # tokens that the net sees, those of the hole among them
BEFORE = 0.6  # the share of what it sees around the hole that stands before it
LONGEST = 96  # tokens of a hole


class Candidate(NamedTuple):
    """text: what fills the hole. sureness: the mean log probability of its tokens in nats, when committed."""

    data: bytes
    text: bytes
    length: int
    sureness: float


class Filled(NamedTuple):
    """The candidates that parse, the surest first; `reasons` say why lengths gave none."""

    candidates: list[Candidate]
    reasons: list[str]
    counts: Counts


@dataclass(frozen=True, kw_only=True)
class Settings:
    """How a hole is decoded.

    rule: "constraint", every committed canvas stays completable; "remask", what does not parse is masked
    again where it is least sure; "none", whatever the net says is a candidate, also what does not parse.
    selector, steps, temperature: as `decode` takes them. cache: the net looks at what stands around the hole
    once. window: tokens that the net sees.
    """

    rule: Literal["constraint", "remask", "none"] = "constraint"
    selector: Selector | None = None
    steps: int | None = None
    temperature: float = 0.0
    samples: int = 1
    cache: bool = False
    window: int = WINDOW
    dead_ends: int = 8
    seed: int = 0

    def check(self, lengths: Sequence[int]) -> None:
        """Raises: UserError."""
        if not lengths or not all(1 <= length <= LONGEST for length in lengths) or self.samples < 1:
            raise UserError(
                f"a hole is filled by 1 to {LONGEST} tokens, in 1 sample or more; got {list(lengths)}"
            )
        if self.window < max(lengths) + 16:
            raise UserError(
                f"a window of {self.window} tokens does not hold {max(lengths)} and what stands around them"
            )


def fill(
    model: CodeModel,
    data: bytes,
    hole: Hole,
    language: str,
    *,
    lengths: Sequence[int] | None = None,
    watch: Callable[[int, int], None] | None = None,
    **options: Any,
) -> Filled:
    """What may stand in the hole, for each length in tokens that is tried (by default near what stood there).

    Every candidate was parsed in its place by the language's own parser or tree-sitter's grammar; outside of
    the hole no byte is changed. options: those of `Settings`.

    Raises: UserError for a hole that cannot be filled whatever comes; UnknownName for the language.
    """
    frame, settings = framed(model.tokenizer, data, hole, language), Settings(**options)
    tried = list(lengths) if lengths is not None else usual_lengths(frame)
    settings.check(tried)
    counts, found, reasons = Counts(), dict[bytes, Candidate](), list[str]()
    for number, length in enumerate(tried):
        for closing in closings(frame, length):
            here = decode_hole(model, frame, length, closing, replace(settings, seed=settings.seed + number))
            counts += here.counts
            reasons += [f"{length} tokens: {reason}" for reason in here.reasons if reason]
            for each in here.candidates:
                if each.data not in found or each.sureness > found[each.data].sureness:
                    found[each.data] = each
        if watch is not None:
            watch(number + 1, len(tried))
    return Filled(sorted(found.values(), key=_rank), list(dict.fromkeys(reasons)), counts)


def _rank(candidate: Candidate) -> tuple[float, int]:
    return (-candidate.sureness, candidate.length)


def usual_lengths(frame: Frame) -> list[int]:
    """Near the length of what stood there; of an empty hole, short ones."""
    was = len(frame.tokens(frame.was))
    if not was:
        return [1, 2, 3, 4, 6, 8, 12, 16]
    near = {was, was - 1, was + 1, was - 2, was + 2, was // 2, was + 4}
    return sorted(length for length in near if 1 <= length <= LONGEST) or [LONGEST]


def closings(frame: Frame, length: int) -> list[int]:
    """How many places after its line a hole of so many tokens is given to close its blocks."""
    if not frame.may_close:
        return [0]
    return [frame.was_closing] if frame.was else [0, 1] if length >= 8 else [0]


def decode_hole(model: CodeModel, frame: Frame, length: int, closing: int, settings: Settings) -> Filled:
    """Candidates of one length, the surest first."""
    tail = frame.tokens(frame.right[:1]) + [MASK_ID] * closing if closing else []
    row = [MASK_ID] * length + tail
    left, right = context(frame, len(row), settings.window, skip=bool(closing))
    special = torch.arange(len(model.tokenizer)) < len(SPECIAL)
    special[PAD_ID] = not closing
    done = decode(
        between(model.logits, left, right),
        torch.tensor([row] * settings.samples),
        mask=MASK_ID,
        generator=torch.Generator().manual_seed(settings.seed),
        constraint=frame.rule(length, closing) if settings.rule == "constraint" else None,
        accept=None if settings.rule == "none" else frame.accept,
        selector=settings.selector,
        steps=settings.steps,
        temperature=settings.temperature,
        banned=special,
        prepare=prepared_between(cached(model), left, right) if settings.cache else None,
        dead_ends=settings.dead_ends,
    )
    found = [
        candidate(frame, tokens[:length], float(log_p[:length].mean()))
        for tokens, log_p, answered in zip(done.tokens.tolist(), done.log_p, done.answered, strict=True)
        if answered
    ]
    return Filled(sorted(found, key=_rank), done.reasons, done.counts)


def candidate(frame: Frame, tokens: Sequence[int], sureness: float) -> Candidate:
    data = frame.filled(tokens)
    stop = len(data) - (len(frame.data) - frame.hole.stop)
    return Candidate(data, data[frame.hole.start : stop], len(tokens), sureness)


def context(frame: Frame, count: int, window: int, *, skip: bool = False) -> tuple[list[int], list[int]]:
    """The tokens that the net sees on either side of so many; before them from a line's beginning on."""
    room = max(window - count - len(frame.header), 0)
    after = frame.tokens(frame.right[skip : room + 1])
    share = max(round(room * BEFORE), room - len(after))
    before = _from_line(frame, share)
    return [*frame.header, *before], after[: room - len(before)]


def _from_line(frame: Frame, most: int) -> list[int]:
    """The last tokens before the hole, of whole lines where one begins among them."""
    vocabulary, found, since = frame.tokenizer.vocabulary, list[int](), 0
    for item in reversed(frame.left):
        spelled = vocabulary.spelled(item)
        if len(found) + len(spelled) > most:
            return found[len(found) - since :] if since else found
        if item.shape in {"newline", "line", "nl"}:
            since = len(found)
        found = spelled + found
    return found
