"""What an operation is: its types, its meaning, its code in each language, its wordings."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, NamedTuple

from bloomery.diffusion.code.judging.program import Language

PARAMETERS = range(2, 10)
Code = Mapping[Language, str]


class Kind(StrEnum):
    """The type of a value; its text is how a prompt names one that is given."""

    NUMBER = "the number"
    NUMBERS = "the numbers"
    TEXT = "the text"
    STRINGS = "the strings"


@dataclass(frozen=True, kw_only=True)
class Operation:
    """One step. In `code`, `$a` is what is given, `$b` what comes, `$k` the parameter.

    `nouns` name the result and end before what it is taken of: "the sum of". `clauses` tell what to do.
    `given` name the result where it is taken of the input itself: "the even numbers". `%` stands for the
    parameter.
    """

    name: str
    takes: Kind
    gives: Kind
    mean: Callable[[Any, int], Any]
    code: Code
    nouns: tuple[str, ...]
    clauses: tuple[str, ...]
    given: tuple[str, ...] = ()

    @property
    def has_parameter(self) -> bool:
        return "%" in self.nouns[0]


class Step(NamedTuple):
    """An operation's name and its parameter; None where it has none."""

    name: str
    k: int | None = None


Meaning = tuple[Step, ...]
