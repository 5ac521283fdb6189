"""Mends judged by the faults that showed the weakness: a mend counts only if they find it gone."""

from collections.abc import Iterator
from dataclasses import dataclass

from bloomery.optimize.faults.comparing import UnderFaults, compared
from bloomery.optimize.faults.experimenting import Experiment
from bloomery.optimize.faults.weakness import Weakness
from bloomery.optimize.proposal import Proposal
from bloomery.optimize.proposers.robustness import Made, mends, proposal

STEPS = 2
"""One mend may need another before it: a `with` before an atomic write."""
MOST = 12
"""Candidates tried for one weakness."""


@dataclass(frozen=True)
class Mended:
    """A proposal under which the weakness is gone, and what else the faults say of it."""

    proposal: Proposal
    weakness: Weakness
    seen: UnderFaults


def candidates(text: str, weakness: Weakness) -> Iterator[tuple[str, Made]]:
    """Single mends first, then those that follow upon another."""
    level = [("", Made(text, weakness.line, weakness.function, ""))]
    for _ in range(STEPS):
        above, level = level, []
        for before, earlier in above:
            for function in dict.fromkeys((weakness.function, weakness.call)):
                for name, made in mends(earlier.text, weakness.kind, function):
                    level.append((f"{before}, {name}" if before else name, made))
                    yield level[-1]


def mended(original: Experiment, weakness: Weakness, base: str | None = None) -> Mended | None:
    """The first mend after which the weakness is gone under its own schedule and under all others of both
    versions, nothing else broke, and without a fault the scenarios show the same.

    `base`: the text that is mended, where other weaknesses of the file are mended in it already. Only
    scenarios that come to the function are looked at.
    """
    text = original.which.files[weakness.path] if base is None else base
    only = reaching(original, weakness)
    seen_texts = {text}
    for name, made in candidates(text, weakness):
        if made.text in seen_texts:
            continue
        if len(seen_texts) > MOST:
            return None
        seen_texts.add(made.text)
        seen = compared(original, {weakness.path: made.text}, only=only, seed=original.seed + 1)
        if is_mended(weakness, seen):
            return Mended(proposal(weakness.path, name, made), weakness, seen)
    return None


def reaching(original: Experiment, weakness: Weakness) -> set[str]:
    """The names of the scenarios in which the function crosses a seam or is called."""
    found = {weakness.scenario.name}
    for one in original.prepared:
        names = {crossing.function.partition(".<locals>")[0] for crossing in one.crossings}
        names |= {call["name"] for call in one.steady.record["calls"]}
        found |= {one.scenario.name} if weakness.function in names else set()
    return found


def is_mended(weakness: Weakness, seen: UnderFaults) -> bool:
    """Gone in the function everywhere, and nothing new came."""
    left = [one for one in seen.both if (one.kind, one.function) == (weakness.kind, weakness.function)]
    gone = any(one.kind == weakness.kind for one in seen.better)
    return seen.evidence.measured == 0 and gone and not left
