"""What may not happen when a fault strikes: the steady state beside the faulty one, invariant by invariant.

A call may raise, or do all that it does otherwise, or say that it failed. All else is a weakness.
"""

from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import Any

from bloomery.optimize.faults.leaving import afterwards, killed, left, only_less
from bloomery.optimize.faults.schedule import Schedule
from bloomery.optimize.faults.sighting import Record, Sighting, Steady, Where

BLUNT = frozenset({
    "AttributeError", "IndexError", "KeyError", "NameError", "RecursionError", "TypeError",
    "UnboundLocalError", "ZeroDivisionError",
})  # fmt: skip
INPUT = frozenset({"content", "answer"})
QUIET = frozenset({"short", "a day forward", "an hour back", "comes between"})
LONGER_S = 60.0


def judged(steady: Steady, record: Record, schedule: Schedule) -> Iterator[Sighting]:
    """The invariants that did not hold. An empty schedule judges the steady state itself."""
    if record.get("lost"):
        return
    if record.get("killed"):
        call = steady.record["calls"][record["call"]]
        yield from (replace(one, call=call["name"]) for one in killed(steady, record))
        return
    for number, call in enumerate(record["calls"]):
        for what, function, line in call.get("collected", ()) if not schedule else ():
            yield Sighting("leak", _outer(function), line, f"nobody closes {what}", call["name"])
        first, last = call["fired"] if isinstance(call["fired"], list) else (call["fired"], call["fired"])
        if last > first and number < len(steady.record["calls"]):
            fired = record["fired"][first:last]
            seen = _struck(steady, record, number, fired, schedule)
            yield from (replace(one, call=call["name"]) for one in seen)
            return


def _outer(function: str) -> str:
    return function.partition(".<locals>")[0]


def _struck(
    steady: Steady, record: Record, number: int, fired: Sequence[Any], schedule: Schedule
) -> Iterator[Sighting]:
    """The first call in which a fault struck."""
    call, usual = record["calls"][number], steady.record["calls"][number]
    where = _outer(fired[0][2]), int(fired[0][3])
    kinds, seams = {one[1] for one in fired}, {one[0] for one in fired}
    if "thread" in seams:
        yield from _race(steady, number, call, where)
        return
    if record["hung"]:
        yield Sighting("clock" if "clock" in seams else "never ends", *where, record["hung"])
        return
    same = _same(call, usual) or number in steady.unstable
    if "clock" in seams:
        yield from _clock(call, usual, where)
    elif kinds <= QUIET:
        if call["outcome"] == "returned" and not same:
            yield Sighting("wrong value", *where, "a part was taken for the whole")
    elif seams & INPUT:
        yield from _input(call, where, same or "error 503" not in kinds)
    else:
        yield from _failed(call, usual, where, same)
        yield from _once(steady, call, schedule, where)
    yield from left(steady, record, number, where, whole=not seams & INPUT)
    if not seams & (INPUT | {"clock"}):  # a clock that was set stays set
        yield from afterwards(steady, number, call, where)


def _same(call: Record, usual: Record) -> bool:
    keys = ("outcome", "value", "kinds", "files")
    return all(call.get(key) == usual.get(key) for key in keys)


def _failed(call: Record, usual: Record, where: Where, same: bool) -> Iterator[Sighting]:
    if call["outcome"] == "raised":
        kind = call["kinds"][0]
        if kind in BLUNT and not call["said"]:
            yield Sighting("masked", *where, f"it ends in {kind}: {call['words']}, which is not what failed")
        return
    if same or call["told"] or _tells(call["value"], usual.get("value")):
        return
    if call.get("value") == usual.get("value"):
        if only_less(call["files"], usual["files"]):
            yield Sighting("swallowed", *where, "it returns as if all had been done, and it was not")
        return
    yield Sighting("swallowed", *where, "it returns another value as if nothing had failed")


def _once(steady: Steady, call: Record, schedule: Schedule, where: Where) -> Iterator[Sighting]:
    """One passing fault of the network ends a call that only asks: advice, no weakness."""
    asked = [one[4] for one in steady.record["crossings"] if one[0] == "answer"]
    only_asks = asked and all(one.startswith("GET ") for one in asked)
    passing = len(schedule) == 1 and not schedule[0].lasting and schedule[0].seam in ("connect", "receive")
    if only_asks and passing and call["outcome"] == "raised":
        yield Sighting("gives up at once", *where, "one lost answer of the network ends the call")


def _tells(value: Any, usual: Any) -> bool:
    """Whether a returned value says by itself that something failed."""
    if value == "False" and usual in ("True", "i1"):
        return True
    text = str(value).lower()
    return any(word in text and word not in str(usual).lower() for word in ("error", "fail", "unavailable"))


def _input(call: Record, where: Where, same: bool) -> Iterator[Sighting]:
    if call["outcome"] == "returned" and not same and not call["told"]:
        yield Sighting("swallowed", *where, "an answer that says it failed is taken for the thing itself")
    if call["outcome"] == "raised" and call["kinds"][0] in BLUNT and not call["said"]:
        said = f"malformed input ends in {call['kinds'][0]}: {call['words']}"
        yield Sighting("unvalidated", *where, said)


def _clock(call: Record, usual: Record, where: Where) -> Iterator[Sighting]:
    if call["slept"] > usual["slept"] + LONGER_S:
        yield Sighting("clock", *where, f"it waits {call['slept'] - usual['slept']:.0f} s longer")
    elif call["outcome"] == "raised" and usual["outcome"] == "returned":
        yield Sighting("clock", *where, f"it raises {call['kinds'][0]}, though nothing was late")
    elif call["outcome"] == "returned" and _negative(call["value"]) and not _negative(usual.get("value")):
        yield Sighting("clock", *where, "a duration is negative")


def _negative(value: Any) -> bool:
    """Whether the encoded value holds a number below -60: no duration is."""
    if isinstance(value, str):
        try:
            number = float.fromhex(value[1:]) if value[:1] == "f" else float(value[1:])
        except ValueError:
            return False
        return value[:1] in "fi" and number < -LONGER_S
    return isinstance(value, list) and any(_negative(one) for one in value)


def _race(steady: Steady, number: int, call: Record, where: Where) -> Iterator[Sighting]:
    """Two calls at once must end as two calls one after the other."""
    again, other = steady.again.get(number), call["retry"]
    if again is None or number in steady.unstable:
        return
    once, second = again["calls"][number], again["calls"][number]["retry"]
    if other.get("hung"):
        yield Sighting("race", *where, "two calls at once wait for each other")
        return
    got = sorted(_ended(one) for one in (call, other))
    if got != sorted(_ended(one) for one in (once, second)):
        yield Sighting("race", *where, "two calls at once give what two in turn do not")
    elif other["memory"] != second["memory"] or other["files"] != second["files"]:
        yield Sighting("race", *where, "two calls at once leave what two in turn do not")


def _ended(call: Record) -> str:
    return repr([call.get(key) for key in ("outcome", "value", "kinds")])
