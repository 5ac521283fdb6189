"""Which fault strikes where: one line each, so that a failure can be written down and repeated."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from random import Random
from typing import Any

Schedule = tuple["Fault", ...]

KINDS: Mapping[str, tuple[str, ...]] = {
    "open": ("EIO", "EMFILE"),
    "open to write": ("ENOSPC", "EACCES"),
    "read": ("EIO", "short"),
    "write": ("ENOSPC", "EIO", "short"),
    "sync": ("EIO",),
    "rename": ("EACCES",),
    "remove": ("EACCES",),
    "mkdir": ("ENOSPC",),
    "list": ("EIO",),
    "connect": ("ECONNREFUSED", "stall"),
    "resolve": ("name",),
    "send": ("ECONNRESET", "short"),
    "receive": ("ECONNRESET", "stall", "short"),
    "answer": ("error 503", "truncated", "null", "object", "garbage"),
    "content": ("truncated", "empty", "null", "object", "list", "garbage"),
    "clock": ("an hour back", "a day forward"),
    "spawn": ("EAGAIN",),
    "wait": ("stall",),
    "memory": ("MemoryError",),
    "limit": ("address space",),
    "step": ("kill",),
    "thread": ("comes between",),
}
"""The kinds of fault by seam, the most telling first."""
LASTING = {"write": "ENOSPC", "connect": "ECONNREFUSED", "receive": "ECONNRESET", "resolve": "name"}
"""What also comes to stay: a full disk, a network that is gone."""
JSON_ONLY = frozenset({"null", "object", "list"})


@dataclass(frozen=True, order=True)
class Fault:
    """At the `at`-th crossing of a seam, counted from 0; `lasting`: at all later ones, too."""

    seam: str
    kind: str
    at: int = 0
    lasting: bool = False

    def __str__(self) -> str:
        where = f"{self.seam} no. {self.at + 1}" + (" and after" if self.lasting else "")
        return f"{self.kind} at {where}"

    def to_plain(self) -> dict[str, Any]:
        return asdict(self)


@dataclass(frozen=True)
class Crossing:
    """One call of a seam by the module under test, as it was in the steady state."""

    seam: str
    number: int
    function: str
    line: int
    detail: str = ""


def single(crossings: Iterable[Crossing]) -> Iterator[Schedule]:
    """Every fault that can strike at these crossings, one at a time: none smaller can be found."""
    changing, seen = 0, set[str]()
    for one in crossings:
        if one.seam in STEPS:
            yield (Fault("step", "kill", changing),)
            changing += 1
        for kind in KINDS.get(one.seam, ()):
            if _fits(kind, one):
                yield (Fault(one.seam, kind, one.number),)
        if one.seam in LASTING and one.seam not in seen:
            seen.add(one.seam)
            yield (Fault(one.seam, LASTING[one.seam], one.number, lasting=True),)


STEPS = frozenset({"open to write", "write", "sync", "rename", "remove", "mkdir"})


def _fits(kind: str, one: Crossing) -> bool:
    if one.seam == "content" and kind in JSON_ONLY:
        return one.detail == "json"
    if one.seam == "send" and kind == "short":
        return one.detail == "part"
    return True


def thinned(crossings: Sequence[Crossing]) -> list[Schedule]:
    """Of faults of one kind that strike on one line, the first, the second and the last."""
    groups: dict[tuple[str, str, str, int, bool], list[Schedule]] = {}
    places = {(one.seam, one.number): (one.function, one.line) for one in crossings}
    changing = [one for one in crossings if one.seam in STEPS]
    for schedule in single(crossings):
        fault = schedule[0]
        step = changing[fault.at] if fault.seam == "step" else None
        place = (step.function, step.line) if step else places[fault.seam, fault.at]
        groups.setdefault((fault.seam, fault.kind, *place, fault.lasting), []).append(schedule)
    kept = [list(dict.fromkeys([*group[:2], group[-1]])) for group in groups.values()]
    return [schedule for group in kept for schedule in group]


def spread(count: int, most: int, rng: Random) -> list[int]:
    """Places among `count`, all of them where that is allowed."""
    return list(range(count)) if count <= most else sorted(rng.sample(range(count), most))


def pairs(crossings: Sequence[Crossing], rng: Random, most: int) -> Iterator[Schedule]:
    """Two faults at once, drawn: what a program does about the first may fail itself."""
    raising = [s for s in single(crossings) if s[0].seam not in ("content", "answer", "clock", "step")]
    for _ in range(most if len(raising) > 1 else 0):
        first, second = rng.sample(raising, 2)
        yield tuple(sorted((*first, *second)))


def smaller(schedule: Schedule) -> Iterator[Schedule]:
    """Schedules to which a failing one may shrink: fewer faults, then passing ones, then earlier ones."""
    if len(schedule) > 1:
        yield from ((*schedule[:at], *schedule[at + 1 :]) for at in range(len(schedule)))
    for at, fault in enumerate(schedule):
        if fault.lasting:
            yield (*schedule[:at], Fault(fault.seam, fault.kind, fault.at), *schedule[at + 1 :])
        for earlier in (0, fault.at // 2, fault.at - 1) if fault.at else ():
            moved = Fault(fault.seam, fault.kind, earlier, fault.lasting)
            yield (*schedule[:at], moved, *schedule[at + 1 :])


@dataclass(frozen=True)
class Scenario:
    """What is done with a module while faults strike.

    `text` is a script that has the module's names; it runs in a folder that holds `files`. `answers` says
    what a peer in the network answers, by the path of an HTTP request or by the text it is sent. A `test`
    (module, name, case) stands instead of a text where the repository's own tests are the scenarios.
    """

    name: str
    text: str = ""
    files: Mapping[str, str] = field(default_factory=dict)
    answers: Mapping[str, str] = field(default_factory=dict)
    test: Mapping[str, Any] = field(default_factory=dict)

    def to_plain(self) -> dict[str, Any]:
        return asdict(self)
