"""Holes filled by models whose tokens are no lexemes: no grammar holds them, so answers are verified."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Protocol

import torch

from bloomery.core.errors import UserError
from bloomery.diffusion.code.lexemes.lexicons import lexicon
from bloomery.source.languages.decoding import decode
from bloomery.source.languages.registry import language as known_language

from .counts import Counts
from .filling import Candidate, Filled
from .framing import refusal
from .holes import Hole
from .placing import RUNS_IN, beside, keeps

_LEXED_AS = {"tsx": "typescript"}


class Fills(Protocol):
    """Such as `hub.model.HubModel`."""

    def encode(self, text: str, /) -> list[int]: ...

    def fill(
        self, before: str, after: str, *, length: int, steps: int, generator: torch.Generator
    ) -> str: ...


def fill_verified(
    model: Fills,
    data: bytes,
    hole: Hole,
    language: str,
    *,
    lengths: Sequence[int] | None = None,
    samples: int = 1,
    seed: int = 0,
    watch: Callable[[int, int], None] | None = None,
) -> Filled:
    """The answers with which the file parses and every lexeme outside of the hole is what it was.

    Others are refused, with the reason: an answer that ends in `#` would make a remark of what follows. Such
    a model says how sure it was of no answer: the first ones that are taken come first. Lengths are in its
    own tokens, by default near what stood in the hole, which takes as many passes as it has tokens.

    Raises: UserError for a model that fills nothing and for a hole with an edge inside of a lexeme;
    UnknownName; FormatRefused for what is no text.
    """
    if not hasattr(model, "fill"):
        raise UserError(
            "this model writes by prompts and fills no holes; use one of masks (`hub` lists them)"
        )
    known = known_language(language)
    decode(data, Path("the file"), known)
    before, was, after = (
        decode(part, Path("the file"), known)
        for part in (data[: hole.start] + hole.lead, data[hole.start : hole.stop], data[hole.stop :])
    )
    words = lexicon(_LEXED_AS.get(language, language))
    sides = beside(data, hole, words)
    count = len(model.encode(was))
    tried = list(lengths or (near for near in (count, count + 2, count - 2, 2 * count, 4, 8) if near > 0))
    found, reasons, counts = dict[bytes, Candidate](), list[str](), Counts()
    for number, length in enumerate(dict.fromkeys(tried)):
        for sample in range(samples):
            generator = torch.Generator().manual_seed(seed + number * samples + sample)
            with counts.timed("net_s"):
                text = model.fill(before, after, length=length, steps=length, generator=generator).encode()
            counts.passes += length
            filled = data[: hole.start] + hole.lead + text + data[hole.stop :]
            with counts.timed("rules_s"):
                why = refusal(filled, language) if text.strip() else "nothing was written"
                if not why and (_goes_on(text) or not keeps(filled, sides, words)):
                    why = RUNS_IN
            if why:
                reasons.append(f"{length} tokens: {why}")
            else:
                found.setdefault(filled, Candidate(filled, text, length, 0.0))
        if watch is not None:
            watch(number + 1, len(tried))
    return Filled(list(found.values()), list(dict.fromkeys(reasons)), counts)


def _goes_on(text: bytes) -> bool:
    """Whether a backslash at its end would join the line after it to its own."""
    return text.rstrip(b" \t\r\n\f").endswith(b"\\")
