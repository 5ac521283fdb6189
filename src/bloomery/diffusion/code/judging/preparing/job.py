"""What the preparation of a program comes to: a job, or where it stopped."""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from bloomery.core.evidence import State
from bloomery.diffusion.code.judging.program import Example
from bloomery.diffusion.code.judging.supervising import Job

INSIDE = Path(__file__).parents[1] / "inside"


@dataclass(frozen=True, kw_only=True)
class Ready:
    """A program that can be started; `type_checks` where a compiler has looked."""

    job: Job
    type_checks: State = State.NOT_RUN


@dataclass(frozen=True, kw_only=True)
class Stopped:
    """A program that the compiler refused."""

    parses: State
    type_checks: State
    reason: str


Prepared = Ready | Stopped


def unparsed(reason: str) -> Stopped:
    return Stopped(parses=State.FAILED, type_checks=State.NOT_RUN, reason=f"does not parse: {reason}")


def untyped(reason: str) -> Stopped:
    return Stopped(parses=State.PASSED, type_checks=State.FAILED, reason=f"does not compile: {reason}")


def request(examples: Sequence[Example], **more: Any) -> str:
    """What a caller inside is given: arguments, and never a result."""
    return json.dumps({"calls": [example.arguments for example in examples], **more})


def text(name: str) -> str:
    return (INSIDE / name).read_text(encoding="utf-8")
