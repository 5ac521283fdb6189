"""Judgements of a batch of programs: one preparation and one set of walls for each language."""

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from bloomery.core.errors import CapabilityMissing
from bloomery.core.evidence import State
from bloomery.diffusion.code.judging.preparing.go import go
from bloomery.diffusion.code.judging.preparing.java import java
from bloomery.diffusion.code.judging.preparing.job import Prepared, Ready, Stopped
from bloomery.diffusion.code.judging.preparing.scripts import node, python
from bloomery.diffusion.code.judging.program import (
    LANGUAGES,
    Budget,
    Example,
    Judgement,
    Language,
    Program,
    same,
)
from bloomery.diffusion.code.judging.supervising import Ran, supervise
from bloomery.diffusion.code.judging.toolchains import Toolchain, toolchain

USUAL = Budget()
Prepare = Callable[[Sequence[Program], Sequence[Sequence[Example]], Toolchain], list[Prepared]]


@dataclass(frozen=True, kw_only=True)
class Way:
    """How programs of a language are made ready, and the address space of each."""

    prepare: Prepare
    memory_bytes: int


WAYS: dict[Language, Way] = {
    "python": Way(prepare=python, memory_bytes=2**29),
    "javascript": Way(prepare=node, memory_bytes=2 * 2**30),
    "typescript": Way(prepare=node, memory_bytes=2 * 2**30),
    "java": Way(prepare=java, memory_bytes=2 * 2**30),
    "go": Way(prepare=go, memory_bytes=2**30),
}


def judge(
    programs: Sequence[Program], examples: Sequence[Example], *, budget: Budget = USUAL
) -> list[Judgement]:
    """One judgement for each program, in their order, of its answers to the same examples."""
    return judge_each(programs, [examples] * len(programs), budget=budget)


def judge_each(
    programs: Sequence[Program], examples: Sequence[Sequence[Example]], *, budget: Budget = USUAL
) -> list[Judgement]:
    """As `judge`, with examples of its own for each program."""
    paired = list(zip(programs, examples, strict=True))
    found: dict[int, Judgement] = {}
    for language in LANGUAGES:
        places = [place for place, program in enumerate(programs) if program.language == language]
        if places:
            chosen = [paired[place] for place in places]
            found |= dict(zip(places, _judge(language, chosen, budget), strict=True))
    return [found[place] for place in range(len(programs))]


def _judge(
    language: Language, paired: Sequence[tuple[Program, Sequence[Example]]], budget: Budget
) -> list[Judgement]:
    try:
        tools = toolchain(language)
    except CapabilityMissing as missing:
        return [_not_run(str(missing), given) for _, given in paired]
    way = WAYS[language]
    prepared = way.prepare([one for one, _ in paired], [given for _, given in paired], tools)
    jobs = [one.job for one in prepared if isinstance(one, Ready)]
    ran = iter(supervise(jobs, budget=budget, memory_bytes=way.memory_bytes))
    return [
        _stopped(one, given) if isinstance(one, Stopped) else _judged(one, next(ran), given)
        for one, (_, given) in zip(prepared, paired, strict=True)
    ]


def _not_run(reason: str, examples: Sequence[Example]) -> Judgement:
    right = (State.NOT_RUN,) * len(examples)
    return Judgement(parses=State.NOT_RUN, runs=State.NOT_RUN, right=right, reason=reason)


def _stopped(stopped: Stopped, examples: Sequence[Example]) -> Judgement:
    return Judgement(
        parses=stopped.parses,
        type_checks=stopped.type_checks,
        runs=State.FAILED,
        right=(State.FAILED,) * len(examples),
        reason=stopped.reason,
    )


def _judged(ready: Ready, ran: Ran, examples: Sequence[Example]) -> Judgement:
    told = _told(ran.out)
    opening = next((line for line in told if isinstance(line[0], str)), None)
    if opening and opening[0] == "unparsed":
        stopped = Stopped(
            parses=State.FAILED, type_checks=ready.type_checks, reason=f"does not parse: {opening[1]}"
        )
        return _stopped(stopped, examples)
    answers = [_answer(told, place) for place in range(len(examples))]
    right = tuple(
        _state(answer is not None and answer[1] == "returned" and same(example.result, answer[2]))
        for answer, example in zip(answers, examples, strict=True)
    )
    loaded = opening is not None and opening[0] == "loaded"
    runs = loaded and all(answer is not None and answer[1] == "returned" for answer in answers)
    return Judgement(
        parses=State.PASSED,
        type_checks=ready.type_checks,
        runs=_state(runs),
        right=right,
        reason="" if all(one is State.PASSED for one in right) else _reason(opening, answers, ran, examples),
    )


def _told(out: str) -> list[list[Any]]:
    """The lines that are answers; what else a program wrote counts as nothing."""
    found = []
    for text in out.splitlines():
        try:
            line = json.loads(text, parse_constant=_refuse)
        except (ValueError, RecursionError):
            continue
        if isinstance(line, list) and line and type(line[0]) in (int, str):
            found.append(line)
    return found


def _refuse(constant: str) -> None:
    raise ValueError(f"{constant} is no JSON value")


def _answer(told: Sequence[list[Any]], place: int) -> list[Any] | None:
    """The one answer for an input; two are none."""
    found = [line for line in told if type(line[0]) is int and line[0] == place]
    return found[0] if len(found) == 1 and len(found[0]) == 3 else None


def _state(held: bool) -> State:
    return State.PASSED if held else State.FAILED


def _reason(
    opening: list[Any] | None, answers: Sequence[list[Any] | None], ran: Ran, examples: Sequence[Example]
) -> str:
    """What went wrong first. It never quotes what was expected: a reason may go back to whoever writes."""
    if opening and opening[0] == "unloaded":
        return f"does not load: {str(opening[1:])[:300]}"
    for place, (answer, example) in enumerate(zip(answers, examples, strict=True)):
        if answer is None:
            return f"example {place}: no single answer; {ran.ended} {ran.err.strip()[-200:]}".strip()
        if answer[1] != "returned":
            return f"example {place}: {str(answer[2])[:300]}"
        if not same(example.result, answer[2]):
            return f"example {place}: returned {str(answer[2])[:200]}, which is wrong"
    return ""
