"""The same trials in both versions; a difference counts once it has been seen again."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any

from bloomery.optimize.equivalence.accepting import accepted, observed_kinds, trials_for, with_kinds
from bloomery.optimize.equivalence.cases import MIB, Case, unknown
from bloomery.optimize.equivalence.comparing import comparable, difference
from bloomery.optimize.equivalence.executing import Circumstance, Ran, execute
from bloomery.optimize.equivalence.finding import Finding, snippet
from bloomery.optimize.equivalence.methods import methods_of, stories
from bloomery.optimize.equivalence.planning import Entry, mined_steps, plan
from bloomery.optimize.equivalence.shrinking import smaller
from bloomery.optimize.equivalence.trials import Step, Trial, grouped, heavy, numbered

TRACED = Circumstance(trace=True)
SHRINK_ROUNDS, CONFIRMED = 4, 6
TOGETHER = 4  # recorded calls that share a process: they may be longer than drawn ones
OURS = ("spoil_(", "shut_(")  # calls of our own between others
NO_ANSWER = "the candidate gives no answer where the original does"


class NotTried(Exception):
    """Nothing can be said, and why."""


@dataclass(frozen=True)
class Difference:
    """In a trial, at a step: what differs."""

    trial: Trial
    at: int
    what: str


def trials(case: Case) -> list[Trial]:
    """Everything that is tried first; unannotated functions are asked what they take.

    Recorded calls come last: one that is slow keeps nothing else from being tried. Raises: NotTried where
    the original takes nothing that was tried, and no call of it was recorded.
    """
    entries: list[tuple[Entry, Any]] = []
    for name in case.functions:
        calls = case.mined.calls.get(name, [])
        entries += [(one, calls) for one in _entries(case, name, calls)]
    found = plan(entries, case.values)
    for name in case.changes.entries:
        if "." in name:
            found += grouped(mined_steps(Entry(name, ()), case.mined.calls.get(name, [])))
    for name in case.classes:
        methods = methods_of(case.original.classes[name], case.values.classes)
        found += stories(case.values, name, methods, case.methods_changed(name))
    last = [trial for trial in found if any(heavy(step) for step in trial.steps)]
    first = [trial for trial in found if trial not in last]
    return numbered([*first, *last, *_recorded(case)])


def _entries(case: Case, name: str, calls: Sequence[Any]) -> list[Entry]:
    """With the kinds that it takes, and those that it was recorded with: these take no other's place."""
    entry, recorded = case.entry(name), case.recorded.get(name, ())
    if not unknown(entry):
        return [entry]
    seen = observed_kinds(entry, recorded)
    try:
        found = asked(case, entry, calls)
    except NotTried as nothing:
        if not recorded:
            raise
        if not seen:  # the recorded calls may show a difference; alone they are no proof
            case.unguessed = str(nothing)
        return with_kinds(entry, seen)
    known = {tuple(one.kind for one in entry.parameters) for entry in found}
    return [*found, *with_kinds(entry, [kinds for kinds in seen if kinds not in known])]


def _recorded(case: Case) -> Iterator[Trial]:
    for name, calls in case.recorded.items():
        found = grouped(mined_steps(Entry(name, ()), calls), size=TOGETHER)
        yield from (replace(one, recorded=True) for one in found)


def asked(case: Case, entry: Entry, calls: Any) -> list[Entry]:
    tried, combinations = trials_for(entry, case.values)
    ran = execute(case.sides[0], tried, Circumstance(), limits=case.effort.limits)
    if ran.trouble:
        raise NotTried(ran.trouble)
    found = accepted(combinations, ran, observed_kinds(entry, calls))
    if not found:
        raise NotTried(f"{entry.function} takes none of the values that were tried; annotate its parameters")
    return with_kinds(entry, found)


def bounded(found: Sequence[Trial], ran: Ran) -> list[Trial]:
    """The trials that the original got through, with limits scaled from what it used."""
    peaks = [record["peak"] for record in ran.records.values()]
    base = min(peaks, default=0)
    out = []
    for trial in found:
        record = ran.records.get(trial.id)
        if record is None or not record["steps"]:
            continue
        memory = 64 * MIB + 8 * (record["peak"] - base)
        time_s = max(2.0, 20 * record["seconds"])
        out.append(replace(trial, steps=trial.steps[: len(record["steps"])], memory=memory, time_s=time_s))
    return out


def compared(case: Case, found: Sequence[Trial], original: Ran, candidate: Ran) -> Iterator[Difference]:
    """The first difference of each trial."""
    for trial in found:
        before = original.records[trial.id]["steps"] if trial.id in original.records else []
        record = candidate.records.get(trial.id)
        after = record["steps"] if record else []
        for at, ours in enumerate(before[: len(trial.steps)]):
            if not comparable(ours, loose=trial.steps[at].loose):
                continue
            case.calls += 1
            if not (trial.recorded or trial.steps[at].call.startswith(OURS)):
                case.proving += 1
                case.returned += ours["state"] == "returned"
            if at >= len(after):
                yield Difference(trial, at, _lost(record))
                break
            what = difference(ours, after[at], tolerance=case.effort.tolerance)
            if what:
                yield Difference(trial, at, what)
                break


def _lost(record: Any) -> str:
    lost = (record or {}).get("lost") or "it was not tried any more after other trials had no end"
    return f"{NO_ANSWER}: {lost}"


def confirmed(case: Case, found: Sequence[Difference], circumstance: Circumstance) -> Difference | None:
    """The first difference that shows again, in a trial in which the original agrees with itself.

    None where all of them were a matter of time, on a busy machine.
    Raises: NotTried where one neither shows again nor is explained.
    """
    quick = replace(circumstance, trace=False)
    chosen = list(found)[:CONFIRMED]
    again = numbered([replace(one.trial, time_s=2 * one.trial.time_s) for one in chosen])
    runs = [execute(side, again, quick, limits=case.effort.limits) for side in (case.sides[0], *case.sides)]
    doubtful = len(found) - len(chosen)
    for one, trial in zip(chosen, again, strict=True):
        noise = list(compared(replace(case), [trial], runs[0], runs[1]))
        if noise:
            case.unstable += 1
            continue
        for seen in compared(replace(case), [trial], runs[1], runs[2]):
            return Difference(replace(one.trial, steps=trial.steps), seen.at, seen.what)
        doubtful += not one.what.startswith(NO_ANSWER)
    if case.unstable:
        raise NotTried(
            f"the original disagrees with itself in {case.unstable} of {len(found)} doubtful trials"
        )
    if doubtful:
        raise NotTried(f"{doubtful} differences were seen once and not again")
    return None


def shrunk(case: Case, found: Difference, circumstance: Circumstance) -> tuple[tuple[Step, ...], str]:
    """A smaller trial with a difference: first the call alone, then smaller values."""
    steps, what = found.trial.steps[: found.at + 1], found.what
    quick = replace(circumstance, trace=False)
    for number in range(SHRINK_ROUNDS if case.effort.shrink else 0):
        tried: list[tuple[Step, ...]] = [(steps[-1],)] if number == 0 and len(steps) > 1 else []
        tried += smaller(steps)
        better = _first_different(case, found.trial, tried, quick) if tried else None
        if better is None:
            break
        steps, what = better
    return steps, what


def _first_different(
    case: Case, base: Trial, tried: Sequence[tuple[Step, ...]], circumstance: Circumstance
) -> tuple[tuple[Step, ...], str] | None:
    batch = numbered([replace(base, steps=steps) for steps in tried])
    runs = [execute(side, batch, circumstance, limits=case.effort.limits) for side in case.sides]
    seen = {}
    for one in compared(replace(case), batch, *runs):
        if "no answer" not in one.what or runs[1].records.get(one.trial.id):
            seen[one.trial.id] = (one.trial.steps[: one.at + 1], one.what)
    return min(seen.values(), key=lambda pair: sum(step.length for step in pair[0]), default=None)


def told(case: Case, found: Difference, circumstance: Circumstance) -> Finding:
    steps, what = shrunk(case, found, circumstance)
    words = what if circumstance == TRACED else f"{what} ({circumstance})"
    function = (case.changes.entries or ("",))[0]
    return Finding(words, steps, snippet(case.sides[0].module, function, steps, words))
