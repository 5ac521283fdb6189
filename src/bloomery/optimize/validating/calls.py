"""With which arguments the tests call the functions of a file, before any change: recorded in the sandbox.

What is recorded was written down by a process in which untrusted code ran: it is parsed here and never
evaluated; whoever builds the arguments does so behind the sandbox's walls.
"""

import ast
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

from bloomery.core.errors import CapabilityMissing, UserError
from bloomery.optimize.validating.recording import NOTHING, Record
from bloomery.source.recording import Recorded, RecordedCall, record_calls

MOST, MOST_BYTES = 40, 100_000  # calls of a function, and of one call's arguments as text
MOST_OF_A_FUNCTION = 1_000_000
FOR_TRIALS, ALL_TRIALS = 20_000, 200_000  # bytes of one call, and of a function's, that are tried for meaning


def calls_of(tree: Path, path: str, known: Record) -> Recorded:
    """The calls of all functions of a file, by the tests that pass and run some of them."""
    targets = tests_of(path, known)
    if not targets:
        return Recorded(trouble=f"no test that passes runs {path}")
    try:
        found = record_calls(
            tree, targets, {path: ()}, most=MOST, most_bytes=MOST_BYTES, time_limit_s=known.pace.whole_s
        )
    except (CapabilityMissing, UserError) as error:
        return Recorded(trouble=str(error))
    return replace(found, calls={one: tuple(_kept(calls)) for one, calls in found.calls.items()})


def tests_of(path: str, known: Record) -> tuple[str, ...]:
    """Tests that run the file; where only what they share does (a module's fixture), all tests of it."""
    ran = [node for node in known.passing if path in known.did.get(node, NOTHING).ran]
    files = {node.partition("::")[0] for node in ran}
    units = [unit for unit in known.units if path in known.did.get(unit, NOTHING).ran and unit not in files]
    return (*ran, *units)


def _kept(calls: Sequence[RecordedCall]) -> Iterator[RecordedCall]:
    """Those that can be read, of each function as many as fit, the longest-running first."""
    room: dict[str, int] = {}
    for call in calls:
        room[call.function] = room.get(call.function, MOST_OF_A_FUNCTION) - length(call)
        if room[call.function] >= 0 and all(_is_readable(key, text) for key, text in call.given):
            yield call


def _is_readable(key: str, text: str) -> bool:
    try:
        ast.parse(text, mode="eval")
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return False
    return not key or key.isidentifier()


def length(call: RecordedCall) -> int:
    return sum(len(text) for _, text in call.given)


def for_trials(found: Recorded) -> Recorded:
    """The shorter ones: each is tried several times, and a difference is looked for in smaller ones."""
    return replace(found, calls={path: tuple(_short(calls)) for path, calls in found.calls.items()})


def _short(calls: Sequence[RecordedCall]) -> Iterator[RecordedCall]:
    room: dict[str, int] = {}
    for call in sorted(calls, key=length):
        room[call.function] = room.get(call.function, ALL_TRIALS) - length(call)
        if room[call.function] >= 0 and length(call) <= FOR_TRIALS:
            yield call


def joined(found: Sequence[Recorded]) -> Recorded:
    """What was recorded of several files, as one."""
    calls = {path: some for one in found for path, some in one.calls.items()}
    return Recorded(calls, trouble="; ".join(filter(None, (one.trouble for one in found))))


def to_plain(found: Recorded) -> dict[str, Any]:
    calls = {path: [asdict(one) for one in some] for path, some in found.calls.items()}
    return {"calls": calls, "trouble": found.trouble}


def from_plain(plain: Mapping[str, Any]) -> Recorded:
    return Recorded(
        {path: tuple(map(_call, some)) for path, some in plain["calls"].items()}, trouble=plain["trouble"]
    )


def _call(plain: Mapping[str, Any]) -> RecordedCall:
    given = tuple((str(key), str(text)) for key, text in plain["given"])
    return RecordedCall(plain["function"], given, plain["test"], plain["seconds"])
