"""A prompt's program: candidates by decoding, each parsed, run on examples and scored; the best is given."""

import time
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

import torch

from bloomery.core.evidence import State
from bloomery.diffusion.code.judging import Budget, Example, Judgement, Program, judge
from bloomery.diffusion.code.judging.program import Language
from bloomery.diffusion.code.prompting.asking import fit_for
from bloomery.diffusion.code.prompting.decoding import fill, sources
from bloomery.diffusion.code.prompting.model import PromptModel
from bloomery.diffusion.code.tasks.inputs import examples as shown
from bloomery.diffusion.code.tasks.nearest import nearest
from bloomery.diffusion.code.tasks.operation import Meaning
from bloomery.diffusion.code.tasks.understanding import PromptRefused, understand
from bloomery.source.languages.faults import faults
from bloomery.source.languages.parsing import parse
from bloomery.source.languages.registry import language as grammar

TRIED = 3  # inputs that a program is run on where the user gave none
USUAL = Budget()
WARM = 0.8  # temperature of all candidates but the first


@dataclass(frozen=True, kw_only=True)
class Candidate:
    """A program, and what was found of it; `score` is the share of the user's examples that it passes."""

    source: str
    parses: bool
    judgement: Judgement
    score: float | None

    @property
    def runs(self) -> State:
        return self.judgement.runs


@dataclass(frozen=True, kw_only=True)
class Written:
    """The best candidate, all of them, what they cost."""

    prompt: str
    language: Language
    best: Candidate
    candidates: tuple[Candidate, ...]
    passes: int
    seconds: float


class Proposer(Protocol):
    """Whatever writes programs for prompts."""

    def __call__(
        self, prompt: str, language: Language, *, count: int, generator: torch.Generator
    ) -> tuple[list[str], int]:
        """So many programs, the surest first, and the passes that they took.

        Raises: PromptRefused; UnknownName.
        """
        ...


def proposer(model: PromptModel) -> Proposer:
    """Our own model's: the likeliest program first, drawn ones after it."""

    def propose(
        prompt: str, language: Language, *, count: int, generator: torch.Generator
    ) -> tuple[list[str], int]:
        understood(prompt)
        first = fill(model, [prompt], language, generator=generator)
        told, passes = sources(model, first.canvases, language), first.passes
        if count > 1:
            more = fill(model, [prompt] * (count - 1), language, generator=generator, temperature=WARM)
            told += sources(model, more.canvases, language)
            passes += more.passes * (count - 1)
        return told, passes

    return propose


def understood(prompt: str) -> Meaning:
    """Raises: PromptRefused, with the nearest prompts that would be understood."""
    if not prompt.strip():
        raise PromptRefused("the prompt is empty; say what to write: 'return the sum of the even numbers'")
    try:
        return understand(prompt)
    except PromptRefused as refused:
        near = "".join(f"\n  {text}" for text in nearest(prompt))
        raise PromptRefused(f"{refused}\nnearest prompts that are understood:{near}") from refused


def write(
    propose: Proposer,
    prompt: str,
    language: Language,
    *,
    meaning: Meaning | None = None,
    examples: Sequence[Example] = (),
    candidates: int = 1,
    generator: torch.Generator,
    budget: Budget = USUAL,
) -> Written:
    """The candidate that parses, runs and passes most of the examples; of equals the surest.

    Without examples nothing says that it is right: it is run on inputs of the kind that `meaning` takes.

    Raises: PromptRefused; FormatRefused for examples that the meaning does not fit; UnknownName.
    """
    began = time.monotonic()
    if meaning is not None:
        fit_for(meaning, examples)
    told, passes = propose(prompt, language, count=candidates, generator=generator)
    tried = list(examples) or (examples_of(meaning) if meaning else [])
    found = judged(list(dict.fromkeys(told)), language, tried, scored=bool(examples), budget=budget)
    return Written(
        prompt=prompt,
        language=language,
        best=max(found, key=lambda one: (one.parses, one.runs is not State.FAILED, one.score or 0.0)),
        candidates=tuple(found),
        passes=passes,
        seconds=time.monotonic() - began,
    )


def judged(
    programs: Sequence[str], language: Language, examples: Sequence[Example], *, scored: bool, budget: Budget
) -> list[Candidate]:
    """Each is parsed, and run where there is something to run it on."""
    found = judge([Program(language=language, source=text) for text in programs], examples, budget=budget)
    return [
        Candidate(
            source=text,
            parses=not faults(parse(text, grammar(language))),
            judgement=one,
            score=one.score if scored else None,
        )
        for text, one in zip(programs, found, strict=True)
    ]


def examples_of(meaning: Meaning) -> list[Example]:
    """Inputs to run a program on; their results are the interpreter's, and choose nothing."""
    return shown(meaning, count=TRIED, seed=0, hidden=False)
