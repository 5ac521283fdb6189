"""Suggestions: diffs of texts that parse and are better than what was there, by the qualities of text."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from bloomery.diffusion.code.modelling.model import CodeModel
from bloomery.diffusion.code.quality.scores import WEIGHTS, quality
from bloomery.diffusion.code.suggesting.infilling import STATEMENTS, rewritten
from bloomery.diffusion.code.suggesting.repairing import repairs
from bloomery.source.diff import make
from bloomery.source.languages.faults import faults
from bloomery.source.languages.parsing import parse
from bloomery.source.languages.registry import language as known_language

LEAST_GAIN = 1e-9


@dataclass(frozen=True)
class Suggestion:
    """`before` and `after` are qualities from 0 to 1; `text` is the whole text with the change."""

    diff: str
    reason: str
    before: float
    after: float
    text: str


def suggest(
    text: str,
    language: str,
    model: CodeModel | None = None,
    *,
    path: str = "",
    weights: Mapping[str, float] = WEIGHTS,
    most: int = 8,
    seed: int = 0,
) -> list[Suggestion]:
    """What would make the text better, the greatest gain first; each stands alone.

    None of it is known to keep what the code does, and what a model fills in may mean anything: its reason
    says so. Only texts that parse and whose quality is higher are suggested. `path` names the file in diffs
    and for linters.

    Raises: UnknownName; ConfigError for weights; FormatRefused; CapabilityMissing where ruff is missing.
    """
    before, found, seen = quality(text, language, weights), list[Suggestion](), {text}
    for other, reason in _candidates(text, language, model, path, seed):
        if other in seen or faults(parse(other, known_language(language))):
            continue
        seen.add(other)
        after = quality(other, language, weights)
        if after > before + LEAST_GAIN:
            name = path or f"text{known_language(language).suffixes[0]}"
            diff = str(make({name: text}, {name: other}))
            found.append(Suggestion(diff, reason, before, after, other))
    return sorted(found, key=lambda one: (-one.after, len(one.diff)))[:most]


def _candidates(
    text: str, language: str, model: CodeModel | None, path: str, seed: int
) -> Iterator[tuple[str, str]]:
    yield from repairs(text, language, path)
    if model is None or language not in STATEMENTS or faults(parse(text, known_language(language))):
        return
    for one in rewritten(model, text, language, seed=seed):
        line, log_p = one.statement.line, one.statement.log_p
        yield (
            one.text,
            f"line {line} is what the model expects least ({log_p:.1f} nats a token); it may mean something "
            "else now: nothing was run",
        )
