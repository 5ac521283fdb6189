"""What to time: calls of what a candidate changes, recorded, mined or generated, grown until measurable."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from bloomery.core.sandbox import Limits
from bloomery.optimize.equivalence.accepting import observed_kinds
from bloomery.optimize.equivalence.cases import Case, Effort, make_case, unknown
from bloomery.optimize.equivalence.executing import files_of
from bloomery.optimize.equivalence.kinds import Kind, parameters
from bloomery.optimize.equivalence.planning import Entry
from bloomery.optimize.equivalence.trying import NotTried, asked
from bloomery.optimize.timing.growing import grown, repeated
from bloomery.optimize.timing.running import MIB, Source, told_by
from bloomery.optimize.timing.sizes import sized_call, sizes
from bloomery.optimize.timing.workload import Call, Workload
from bloomery.source.python import parse
from bloomery.source.recording import Recorded

ENOUGH_NS = 2e6
"""An execution that takes as long is measured well; inputs are grown until one does."""
MEASURABLE_NS = 2e5
MOST_CALLS, DRAWN, MOST_SMALL = 60, 150, 8
LIMITS = Limits(
    time_s=600,  # on a busy machine it waits for others
    cpu_s=100,
    memory_bytes=2048 * MIB,
    file_bytes=64 * MIB,
)
CLIMB = {"enough_ns": ENOUGH_NS, "time_s": 2.0, "total_s": 40.0}
NOTHING = Recorded()
MADE, SPARE = 2, 4
"""Ranks: from the first on inputs are made up, from the second without knowing that they matter."""
MOST_GROWN = 2
Known = tuple[list[Call], list[Call]]


@dataclass(frozen=True)
class Ladder:
    """Workloads of growing size; `rank`: which sources are preferred, the least first."""

    rank: int
    rungs: tuple[Workload, ...]


def workloads(
    root: Path,
    path: str,
    proposal_texts: Mapping[str, str],
    *,
    tests: Sequence[Path] = (),
    recorded: Recorded = NOTHING,
    seed: int = 0,
) -> tuple[Workload, ...]:
    """Workloads of what the candidate changes in `path`, the one that decides first; empty where none runs.

    `tests` are read for calls, never run here; `recorded`: calls of running them (source.recording). First
    comes what tests really call, where that is long enough to be measured, then inputs of growing size.
    Raises: UserError where the original cannot be imported by name.
    """
    case = make_case(root, path, proposal_texts, [parse(one).tree for one in tests], Effort(seed=seed))
    files, module, roots = files_of(root, path)
    source = Source(files, module, roots)
    known = {name: _known(case, path, name, recorded) for name in case.changes.entries}
    found = _climbed(source, [one for name, some in known.items() for one in _called(name, *some)])
    found += _climbed(source, [one for name in known for one in _large(case, name, known[name])])
    measured = {one.name for _, one, ns in found if ns >= MEASURABLE_NS}
    rest = [name for name in known if name not in measured]
    found += _climbed(source, [one for name in rest for one in _spare(case, name, known[name])])
    touched = set(case.changes.touched)
    found.sort(key=lambda one: (one[2] < MEASURABLE_NS, one[1].name in touched, one[0].rank, -one[2]))
    return tuple(
        replace(one, spare=ns < MEASURABLE_NS or how.rank >= SPARE, made=how.rank >= MADE)
        for how, one, ns in found
    )


def spread(found: Sequence[Workload], most: int) -> tuple[Workload, ...]:
    """At most so many: the first of each function, a large one of each, then what else is not spare.

    Small inputs hide a gain of order, and a loss: what is made up large is timed beside what tests call.
    """
    firsts = {one.name: at for at, one in reversed(list(enumerate(found)))}
    rest = [at for at, one in enumerate(found) if not one.spare and at != firsts[one.name]]
    known = {name for name, at in firsts.items() if not found[at].made}
    large = {found[at].name: at for at in reversed(rest) if found[at].made and found[at].name in known}
    others = [at for at in rest if at not in large.values()]
    return tuple(found[at] for at in [*sorted(firsts.values()), *sorted(large.values()), *others][:most])


def _known(case: Case, path: str, name: str, recorded: Recorded) -> Known:
    built = name.removesuffix(".__init__")  # a constructor's calls are its class's
    called = [Call(one.function, one.given) for one in recorded.of(path, built)][:MOST_CALLS]
    return called, [Call(name, given) for given in case.mined.calls.get(name, ())][:MOST_CALLS]


def _called(name: str, called: Sequence[Call], mined: Sequence[Call]) -> Iterator[Ladder]:
    if called:
        yield Ladder(0, (Workload(name, tuple(called), "recorded from tests"),))
    if len(called) > 1:
        yield Ladder(0, (Workload(name, (called[0],), "recorded from tests, the longest"),))
    if mined:
        yield Ladder(1, (Workload(name, tuple(mined), "written in tests and examples"),))


def _large(case: Case, name: str, known: Known) -> Iterator[Ladder]:
    """Inputs that grow: of the kinds that it takes, and calls of it that are known."""
    calls = [*known[0], *known[1]]
    for entry in _entries(case, name, calls):
        yield _growing(case, entry)
    for one in list(dict.fromkeys(calls))[:MOST_GROWN]:
        yield from (Ladder(3, rungs) for rungs in grown(one))


def _spare(case: Case, name: str, known: Known) -> Iterator[Ladder]:
    calls = [*known[0], *known[1]]
    for entry in _entries(case, name, calls):
        yield _drawn(case, entry)
    plain = [rungs for rungs in map(repeated, calls) if rungs]
    yield from (Ladder(5, rungs) for rungs in plain[:3])


def _entries(case: Case, name: str, calls: Sequence[Call]) -> list[Entry]:
    """With the kinds of values that its annotations name, that it is called with, or that it takes."""
    if name in case.original.classes:
        return [case.entry(name)]
    owner, _, _ = name.rpartition(".")
    if owner:
        return _method(case, owner, name)
    entry = case.entry(name)
    if not unknown(entry):
        return [entry]
    given = [one.given for one in calls]
    kinds = observed_kinds(entry, given)[:2]
    if kinds:
        return [entry.with_kinds(one) for one in kinds]
    try:
        return list(asked(case, entry, given))[:2]
    except NotTried:
        return []


def _method(case: Case, owner: str, name: str) -> list[Entry]:
    """Its object first; parameters of unknown kinds are numbers."""
    node = case.original.functions.get(name)
    if node is None or owner not in case.values.classes.built or node.decorator_list:
        return []
    first = parameters(node.args, case.values.classes)[:1]
    rest = parameters(node.args, case.values.classes, bound=True)
    known = [one if one.known else replace(one, kind=Kind("int")) for one in rest]
    return [Entry(name, (*(replace(one, kind=Kind("class", (), owner)) for one in first), *known))]


def _growing(case: Case, entry: Entry) -> Ladder:
    grown = [
        (size, sized_call(entry.function, entry.parameters, size, case.values))
        for size in sizes(entry.parameters)
    ]
    source = "generated, size {}"
    return Ladder(2, tuple(Workload(entry.function, (call,), source.format(size)) for size, call in grown))


def _drawn(case: Case, entry: Entry) -> Ladder:
    """Many small ones, for what takes the same time at every size."""
    rng = case.values.rng
    drawn = [
        sized_call(entry.function, entry.parameters, rng.randint(1, MOST_SMALL), case.values)
        for _ in range(DRAWN)
    ]
    return Ladder(4, (Workload(entry.function, tuple(dict.fromkeys(drawn)), "generated, small"),))


def _climbed(source: Source, ladders: Sequence[Ladder]) -> list[tuple[Ladder, Workload, float]]:
    """Each ladder's best workload, with its nanoseconds."""
    if not ladders:
        return []
    plain = [[[call.to_plain() for call in rung.calls] for rung in one.rungs] for one in ladders]
    told = told_by(source, {"ladders": plain, **CLIMB}, limits=LIMITS)
    pairs = zip(ladders, told.get("ladders", []), strict=False)
    return [(ladder, *best) for ladder, seen in pairs if (best := _best(ladder, seen))]


def _best(ladder: Ladder, seen: Sequence[Mapping[str, Any]]) -> tuple[Workload, float] | None:
    """The largest that returned in time, without the calls that raised; with its nanoseconds."""
    for rung, one in reversed(list(zip(ladder.rungs, seen, strict=False))):
        if "trouble" in one:
            continue
        raised = set(one["raised"])
        calls = tuple(call for at, call in enumerate(rung.calls) if at not in raised)
        if calls:
            return replace(rung, calls=calls), float(one["processor_ns"])
    return None
