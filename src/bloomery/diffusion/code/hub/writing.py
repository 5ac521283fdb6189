"""Programs written by models of the Hub: what a parser takes is given, what it does not is refused.

Their tokens are not lexemes, so nothing holds them to a grammar while they write.
"""

import re
from dataclasses import dataclass

import torch

from bloomery.core.errors import UserError
from bloomery.source.languages.faults import faults
from bloomery.source.languages.parsing import parse
from bloomery.source.languages.registry import language as known_language

from .model import Written

_FENCE = re.compile(r"^[ \t]*```[^\n`]*\n(.*?)(?:^[ \t]*```|\Z)", re.DOTALL | re.MULTILINE)


@dataclass(frozen=True)
class Refused:
    """An answer that is no program of the language, and why."""

    text: str
    why: str


@dataclass(frozen=True)
class Answer:
    """`code` is None where every try was refused."""

    code: str | None
    refused: tuple[Refused, ...]


def code_of(answer: str) -> str:
    """What stands between the first fences of an answer, or all of it where there are none."""
    found = _FENCE.search(answer)
    return found.group(1) if found else answer


def checked(answer: str, language: str) -> str | Refused:
    """The program in an answer, or why it is none.

    Raises: UnknownName for a language.
    """
    text = code_of(answer)
    if not text.strip():
        return Refused(answer, "nothing is written")
    wrong = faults(parse(text, known_language(language)))
    return Refused(answer, str(wrong[0])) if wrong else text


def write_code(
    model: Written,
    prompt: str,
    language: str,
    *,
    length: int = 256,
    steps: int = 64,
    tries: int = 3,
    generator: torch.Generator,
) -> Answer:
    """The first of so many answers that parses.

    Raises: UnknownName for a language; UserError.
    """
    if tries < 1:
        raise UserError(f"a program is tried once or more, not {tries} times")
    known_language(language)
    refused: list[Refused] = []
    for _ in range(tries):
        found = checked(model.write(prompt, length=length, steps=steps, generator=generator), language)
        if isinstance(found, str):
            return Answer(found, tuple(refused))
        refused.append(found)
    return Answer(None, tuple(refused))
