"""Where there are no annotations: which kinds of values the original takes, found by trying."""

import ast
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import replace

from bloomery.optimize.equivalence.edges import OPEN_KINDS
from bloomery.optimize.equivalence.executing import Circumstance, Ran
from bloomery.optimize.equivalence.kinds import Kind, contains_any
from bloomery.optimize.equivalence.mining import Arguments
from bloomery.optimize.equivalence.planning import Entry, step
from bloomery.optimize.equivalence.trials import Trial, numbered
from bloomery.optimize.equivalence.values import Values

COMBINATIONS, SAMPLES, MOST = 260, 2, 6
FEW = 0.1  # of the trials of an entry
EMPTY = ("[]", "{}", "()", "''", "set([])", "([])", "b''")
# What is passed for one kind of container, others may pass for another one of its row.
RELATED = ({"list", "tuple", "Iterable"}, {"int", "float", "bool"}, {"dict"}, {"str"}, {"set", "list"})
TRIED = Circumstance()


def trials_for(entry: Entry, values: Values) -> tuple[list[Trial], list[tuple[Kind, ...]]]:
    """Trials with one call for every combination of kinds that is tried, and the combinations."""
    choices = [OPEN_KINDS if contains_any(one.kind) else (one.kind,) for one in entry.parameters]
    combinations = _combinations(choices, values)
    steps = []
    for kinds in combinations:
        for _ in range(SAMPLES):
            given = tuple((p, _full(values, k)) for p, k in zip(entry.parameters, kinds, strict=True))
            steps.append(step(entry, given))
    trials = [Trial(0, tuple(steps[at : at + 20])) for at in range(0, len(steps), 20)]
    return numbered(trials), combinations


def _combinations(choices: Sequence[Sequence[Kind]], values: Values) -> list[tuple[Kind, ...]]:
    total = 1
    for one in choices:
        total *= len(one)
    if total <= COMBINATIONS:
        found: list[tuple[Kind, ...]] = [()]
        for one in choices:
            found = [(*kinds, kind) for kinds in found for kind in one]
        return found
    drawn = [tuple(values.rng.choice(one) for one in choices) for _ in range(COMBINATIONS)]
    return list(dict.fromkeys(drawn))


def _full(values: Values, kind: Kind) -> str:
    for _ in range(8):
        text = values.draw(kind)
        if text not in EMPTY:
            return text
    return text


def accepted(
    combinations: Sequence[tuple[Kind, ...]], ran: Ran, observed: Sequence[tuple[Kind, ...]]
) -> list[tuple[Kind, ...]]:
    """The combinations that the original answers for, those first that its tests and examples use."""
    answers: dict[int, int] = defaultdict(int)
    for number, record in ran.records.items():
        for at, seen in enumerate(record["steps"]):
            answers[(number * 20 + at) // SAMPLES] += seen.get("state") == "returned"
    good = [kinds for at, kinds in enumerate(combinations) if answers[at] > 0]
    if observed:
        good = [kinds for kinds in good if any(_related(kinds, one) for one in observed)]
    cover = _cover(good)
    rest = [kinds for kinds in good if kinds not in set(cover)]
    found = list(dict.fromkeys([*observed, *cover, *rest]))
    return found[: max(MOST, len(observed) + len(cover))]


def _cover(found: Sequence[tuple[Kind, ...]]) -> list[tuple[Kind, ...]]:
    """Combinations that bring every kind to every place that takes it, those with the most new ones first."""
    brought = {kinds: {(at, str(kind)) for at, kind in enumerate(kinds)} for kinds in found}
    chosen: list[tuple[Kind, ...]] = []
    left: set[tuple[int, str]] = set().union(*brought.values())
    while left:
        best = max(brought, key=lambda kinds: len(brought[kinds] & left))
        chosen.append(best)
        left -= brought[best]
    return chosen


def _related(kinds: tuple[Kind, ...], observed: tuple[Kind, ...]) -> bool:
    return len(kinds) == len(observed) and all(
        one.name == other.name or any({one.name, other.name} <= row for row in RELATED)
        for one, other in zip(kinds, observed, strict=True)
    )


def observed_kinds(entry: Entry, calls: Sequence[Arguments]) -> list[tuple[Kind, ...]]:
    """The kinds of arguments in calls by place that name every parameter without a default."""
    found = []
    for call in calls:
        if any(key for key, _ in call) or len(call) > len(entry.parameters):
            continue
        kinds = [_kind(text) for _, text in call]
        rest = [one.kind for one in entry.parameters[len(call) :]]
        kinds += [Kind("int") if contains_any(kind) else kind for kind in rest]
        if None not in kinds:
            found.append(tuple(k for k in kinds if k is not None))
    return list(dict.fromkeys(found))[:3]


def _kind(text: str) -> Kind | None:
    try:
        return kind_of_value(ast.literal_eval(text))
    except (ValueError, SyntaxError):
        return Kind("Callable") if text.startswith("lambda") else None


def kind_of_value(value: object) -> Kind | None:
    if isinstance(value, list | tuple | set | frozenset):
        inner = {kind_of_value(one) for one in value} or {Kind("int")}
        part = inner.pop() if len(inner) == 1 else Kind("mixed")
        name = type(value).__name__
        return Kind(name, (part or Kind("int"),), "many" if name == "tuple" else "")
    if isinstance(value, dict):
        keys = {kind_of_value(one) for one in value} or {Kind("str")}
        held = {kind_of_value(one) for one in value.values()} or {Kind("int")}
        return Kind("dict", (keys.pop() or Kind("str"), held.pop() or Kind("int")))
    name = "None" if value is None else type(value).__name__
    return Kind(name) if name in ("int", "float", "str", "bool", "bytes", "None", "complex") else None


def with_kinds(entry: Entry, found: Sequence[tuple[Kind, ...]]) -> list[Entry]:
    """The first few are tried most; the others so that no kind that a place takes is left untried."""
    share = max(1.0 / len(found), 0.3) if found else 1.0
    shares = [share if at < MOST else FEW for at in range(len(found))]
    return [replace(entry.with_kinds(kinds), share=one) for kinds, one in zip(found, shares, strict=True)]
