"""A program, the examples that it must answer, and the judgement of it."""

import json
import math
import re
from dataclasses import dataclass
from typing import Any, Literal, get_args

from bloomery.core.config import option
from bloomery.core.errors import FormatRefused, UnknownName
from bloomery.core.evidence import State

Language = Literal["python", "javascript", "typescript", "java", "go"]
LANGUAGES: tuple[Language, ...] = get_args(Language)
NAME = re.compile(r"[A-Za-z_$][A-Za-z0-9_$]*")
RELATIVE, ABSOLUTE = 1e-9, 1e-12


@dataclass(frozen=True, kw_only=True)
class Program:
    """A whole source text and the function in it that answers; in Java, a method of any class of it."""

    language: Language
    source: str
    function: str = "solve"

    def __post_init__(self) -> None:
        if self.language not in LANGUAGES:
            raise UnknownName("language", self.language, LANGUAGES)
        if not NAME.fullmatch(self.function):
            raise FormatRefused(f"a function's name is an ASCII identifier; got {self.function!r}")


@dataclass(frozen=True, kw_only=True)
class Example:
    """Arguments and the result expected for them, as JSON has them.

    Raises: FormatRefused for what JSON cannot hold.
    """

    arguments: tuple[Any, ...]
    result: Any

    def __post_init__(self) -> None:
        try:
            json.dumps([self.arguments, self.result], allow_nan=False)
        except (TypeError, ValueError, RecursionError) as error:
            raise FormatRefused(f"an example holds plain JSON values; {error}") from error


@dataclass(frozen=True, kw_only=True)
class Budget:
    """What one program may use for all its examples; memory is its language's own affair."""

    cpu_s: int = option(5, help="CPU time of each process, seconds", low=1)
    wait_s: float = option(30.0, help="wall time until a program that sleeps is ended, seconds", low=0.1)
    output_bytes: int = option(2**20, help="what it may write, bytes", low=2**10)


@dataclass(frozen=True, kw_only=True)
class Judgement:
    """What is known of one program; `right` has a state for each example, `reason` what went wrong first."""

    parses: State
    type_checks: State = State.NOT_RUN
    runs: State
    right: tuple[State, ...]
    reason: str = ""

    @property
    def passed(self) -> bool:
        """It is right on every example, of which there is at least one."""
        return bool(self.right) and all(state is State.PASSED for state in self.right)

    @property
    def was_run(self) -> bool:
        return self.parses is not State.NOT_RUN

    @property
    def score(self) -> float | None:
        """The share of examples on which it is right; None where it could not be run."""
        if not self.was_run or not self.right:
            return None
        return sum(state is State.PASSED for state in self.right) / len(self.right)


def same(expected: Any, got: Any) -> bool:
    """Equal as JSON values: a truth is no number, 2.0 is 2, fractions to 1e-9 (sums differ in order)."""
    if isinstance(expected, bool) or isinstance(got, bool):
        return expected is got
    if isinstance(expected, int) and isinstance(got, int):
        return expected == got
    if isinstance(expected, int | float) and isinstance(got, int | float):
        return _close(expected, got)
    if isinstance(expected, list | tuple) and isinstance(got, list | tuple):
        return len(expected) == len(got) and all(map(same, expected, got))
    if isinstance(expected, dict) and isinstance(got, dict):
        return expected.keys() == got.keys() and all(same(expected[key], got[key]) for key in expected)
    return type(expected) is type(got) and bool(expected == got)


def _close(expected: float, got: float) -> bool:
    try:
        return math.isclose(expected, got, rel_tol=RELATIVE, abs_tol=ABSOLUTE)
    except OverflowError:  # a whole number that no float holds, beside a float
        return False
