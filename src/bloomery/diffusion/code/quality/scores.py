"""Metrics of source text as scores from 0 to 1. None of them judges what code does.

parse           1 where the language's parser takes the text; else half the share of it that is syntax
lint            1 / (1 + objections per 10 lines), as `source.quality.style` counts them
complexity      10 / (9 + paths a function): 1 for straight code, 10/19 at McCabe's bound of 10
naming          share of names as the language has them
error handling  share of handlers that are not broad, silent or causeless
"""

import math
from collections.abc import Callable, Collection, Mapping

from bloomery.core.errors import ConfigError, FormatRefused, UnknownName
from bloomery.diffusion.code.detecting.detect import syntax_share
from bloomery.source.languages.faults import faults
from bloomery.source.languages.parsing import Source, parse
from bloomery.source.languages.registry import language as known_language
from bloomery.source.quality import complexity, handling, naming, style
from bloomery.source.quality.complexity import MOST_PATHS

WEIGHTS: Mapping[str, float] = {
    "parse": 4.0,
    "lint": 1.0,
    "complexity": 1.0,
    "naming": 1.0,
    "error handling": 1.0,
}


def _lint(source: Source) -> float | None:
    value = style.measure([source]).value
    return None if value is None else 1 / (1 + value / 10)


def _complexity(source: Source) -> float | None:
    value = complexity.measure([source]).value
    return None if value is None else MOST_PATHS / (MOST_PATHS - 1 + value)


SCORES: Mapping[str, Callable[[Source], float | None]] = {
    "lint": _lint,
    "complexity": _complexity,
    "naming": lambda source: naming.measure([source]).value,
    "error handling": lambda source: handling.measure([source]).value,
}


def scores(text: str, language: str, names: Mapping[str, float] = WEIGHTS) -> dict[str, float | None]:
    """Each score by its name; None where there is nothing to measure (no handler, no name, no program).

    Raises: UnknownName for a language or a metric; CapabilityMissing where ruff is not there to lint Python.
    """
    for name in names:
        if name not in WEIGHTS:
            raise UnknownName("metric", name, WEIGHTS)
    try:
        source = parse(text, known_language(language))
    except FormatRefused:  # too large, too ambiguous, or no text
        return {name: 0.0 if name == "parse" else None for name in names}
    parses = bool(text.strip()) and not faults(source)
    found: dict[str, float | None] = {}
    for name in names:
        if name == "parse":
            found[name] = 1.0 if parses else syntax_share(text, language) / 2 if text.strip() else 0.0
        else:
            found[name] = SCORES[name](source) if parses else None
    return found


def quality(text: str, language: str, weights: Mapping[str, float] = WEIGHTS) -> float:
    """The weighted mean of the scores that could be measured.

    Of a text that does not parse only `parse` counts, and the others as 0.

    Raises: as `scores`; ConfigError for weights that are negative, not finite, or all 0.
    """
    expect_weights(weights.values())
    found = scores(text, language, {"parse": 0.0} | dict(weights))
    if found["parse"] != 1.0:
        share = weights.get("parse", 0.0) / sum(weights.values())
        return (found["parse"] or 0.0) * share
    measured = {name: value for name, value in found.items() if value is not None and weights.get(name)}
    total = sum(weights[name] for name in measured)
    return sum(weights[name] * value for name, value in measured.items()) / total if total else 0.0


def expect_weights(weights: Collection[float]) -> None:
    """Raises: ConfigError for weights that are negative, not finite, or all 0."""
    if not all(0 <= each < math.inf for each in weights) or not any(weights):
        raise ConfigError(f"weights are 0 or more, finite, and not all 0; got {list(weights)}")
