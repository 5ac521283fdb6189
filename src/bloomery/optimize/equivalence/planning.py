"""Which inputs a function is tried with."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

from bloomery.optimize.equivalence.edges import OUTSIDE
from bloomery.optimize.equivalence.kinds import Kind, Parameter
from bloomery.optimize.equivalence.mining import Arguments
from bloomery.optimize.equivalence.trials import Step, Trial, call_text, grouped, numbered
from bloomery.optimize.equivalence.values import Values, wrapped

EDGES, DRAWS, PAIRS = 80, 60, 40
EQUAL = (("1", "True", "1.0"), ("0", "False", "0.0", "-0.0"), ("1.0", "1"), ("-0.0", "0.0", "0"))
MUTABLE = ("list", "dict", "set", "deque", "class", "any")
HOLDING = ("list", "tuple", "set", "frozenset", "deque", "dict", "Iterable", "Iterator")
LOOSE = {"any", "mixed"}
Given = tuple[tuple[Parameter, str], ...]


@dataclass(frozen=True)
class Entry:
    """Something to call: `function` as it is named in the module, with one kind for each parameter.

    `share`: of the usual number of calls, where a function is tried with several kinds.
    """

    function: str
    parameters: tuple[Parameter, ...]
    streams: bool = False
    share: float = 1.0

    def some(self, count: int) -> int:
        return max(round(count * self.share), 2)

    def with_kinds(self, kinds: Sequence[Kind]) -> "Entry":
        pairs = zip(self.parameters, kinds, strict=True)
        return replace(self, parameters=tuple(replace(one, kind=kind) for one, kind in pairs))


def step(entry: Entry, given: Given, *, loose: bool = False, hold: bool = False, suffix: int = 0) -> Step:
    lets, names = [], []
    for at, (parameter, text) in enumerate(given):
        name = f"a{at + suffix}"
        lets.append((name, text))
        names.append((parameter.name if parameter.way in ("keyword", "named") else "", name))
    return Step(tuple(lets), call_text(entry.function, names), loose, hold)


def mined_steps(entry: Entry, calls: Sequence[Arguments]) -> Iterator[Step]:
    for call in calls:
        lets = tuple((f"a{at}", text) for at, (_, text) in enumerate(call))
        yield Step(lets, call_text(entry.function, [(key, f"a{at}") for at, (key, _) in enumerate(call)]))


def single_steps(entry: Entry, values: Values) -> Iterator[Step]:
    """Independent calls: edges of each parameter, pairs of edges, drawn ones, other ways to pass them."""
    required = entry.parameters
    if not required:
        yield Step((), call_text(entry.function, ()))
        return
    for at, parameter in enumerate(required):
        for edge in values.edges(parameter.kind)[: entry.some(EDGES if len(required) < 3 else EDGES // 2)]:
            yield step(entry, _filled(entry, values, {at: edge}))
    for _ in range(entry.some(PAIRS) if len(required) > 1 else 0):
        edges = {at: values.rng.choice(values.edges(one.kind)) for at, one in enumerate(required)}
        yield step(entry, _filled(entry, values, edges))
    for _ in range(entry.some(DRAWS)):
        yield step(entry, _filled(entry, values, {}))
    yield from _otherwise_passed(entry, values)
    yield from _aliased(entry, values)
    yield from _belonging(entry, values)
    yield from _outside(entry, values)


def _filled(entry: Entry, values: Values, fixed: dict[int, str]) -> Given:
    return tuple(
        (one, fixed[at] if at in fixed else values.draw(one.kind)) for at, one in enumerate(entry.parameters)
    )


def _otherwise_passed(entry: Entry, values: Values) -> Iterator[Step]:
    """By keyword, and without what has a default."""
    for _ in range(3):
        given = _filled(entry, values, {})
        yield step(entry, tuple(pair for pair in given if not pair[0].has_default))
        swapped = tuple((replace(p, way="keyword") if p.way == "either" else p, text) for p, text in given)
        if not any(one.way == "many" for one in entry.parameters):
            yield step(entry, swapped)


def _aliased(entry: Entry, values: Values) -> Iterator[Step]:
    """One object for two parameters."""
    places = [at for at, one in enumerate(entry.parameters) if one.kind.name in MUTABLE]
    for first in places:
        for second in places:
            same = entry.parameters[first].kind == entry.parameters[second].kind
            if first < second and same:
                for _ in range(6):
                    yield step(entry, _filled(entry, values, {second: f"a{first}"}))


def _belonging(entry: Entry, values: Values) -> Iterator[Step]:
    """An argument that is, as the same object, among the items of another one."""
    for held, one in enumerate(entry.parameters):
        for holder, other in enumerate(entry.parameters):
            parts = other.kind.parts[:1] if other.kind.name in HOLDING else ()
            if held == holder or (
                one.kind not in parts and not {one.kind.name, *(p.name for p in parts)} & LOOSE
            ):
                continue
            for edge in values.edges(one.kind)[: entry.some(30)] if parts else ():
                beside = values.draw(parts[0], 2)
                pair = f"{edge}: {values.draw(other.kind.parts[1], 2)}" if other.kind.name == "dict" else edge
                items = [pair] if other.kind.name == "dict" else [beside, edge, edge]
                text = (
                    "{" + pair + "}" if other.kind.name == "dict" else wrapped(other.kind, items, values.rng)
                )
                yield step(entry, _filled(entry, values, {held: edge, holder: text}))


def _outside(entry: Entry, values: Values) -> Iterator[Step]:
    for at in range(len(entry.parameters)):
        for text in OUTSIDE:
            yield step(entry, _filled(entry, values, {at: text}), loose=True)
    yield Step((), call_text(entry.function, ()), loose=bool(entry.parameters))


def sequences(entry: Entry, values: Values) -> Iterator[tuple[Step, ...]]:
    """Calls that could hear of one another: through caches, defaults, shared objects, counters."""
    for _ in range(entry.some(6)):
        given = _filled(entry, values, {})
        once = step(entry, given)
        other = step(entry, _filled(entry, values, {}))
        yield (once, Step((), "spoil_(r0)"), once, other, once)
    for _ in range(3):
        without = tuple(pair for pair in _filled(entry, values, {}) if not pair[0].has_default)
        once = step(entry, without)
        yield (once, Step((), "spoil_(r0)"), once)
    yield from _equals(entry, values)
    yield from _long_lists(entry, values)
    for _ in range(2):
        first = step(entry, _filled(entry, values, {}))
        many = call_text(
            "often_",
            [
                ("", entry.function),
                ("", str(_often(values.mined.ints))),
                *(("", name) for name, _ in first.lets),
            ],
        )
        positional = all(one.way in ("positional", "either") for one in entry.parameters)
        others = [step(entry, _filled(entry, values, {})) for _ in range(3)]
        if positional:
            yield (Step(first.lets, many), *others)
    if entry.streams:
        yield from _held(entry, values)


def _often(ints: Sequence[str]) -> int:
    """More calls than any number in the sources that could count them."""
    counts = [int(text) for text in ints if text.isdigit() and 150 <= int(text) <= 5000]
    return max(counts, default=150) + 5


def _equals(entry: Entry, values: Values) -> Iterator[tuple[Step, ...]]:
    """Arguments that are equal and not the same: 1, True, 1.0; 0.0 and -0.0."""
    for at, one in enumerate(entry.parameters):
        edges = set(values.edges(one.kind))
        for group in (
            ("1", "True", "1.0"),
            ("0", "False", "0.0", "-0.0"),
            ("1.0", "1"),
            ("-0.0", "0.0", "0"),
        ):
            known = [text for text in group if text in edges]
            if len(known) > 1:
                fixed = _filled(entry, values, {})
                steps = [
                    step(entry, tuple((p, text if n == at else held) for n, (p, held) in enumerate(fixed)))
                    for text in (*known, known[0])
                ]
                yield tuple(steps)


def _long_lists(entry: Entry, values: Values) -> Iterator[tuple[Step, ...]]:
    """Equal lengths and equal sums, other contents: what keys a careless cache."""
    for at, one in enumerate(entry.parameters):
        if one.kind.name == "list" and one.kind.parts[0].name in ("int", "float"):
            for texts in (("[1, 2, 3]", "[3, 2, 1]", "[2, 2, 2]"), ("[5, 1]", "[1, 5]", "[0, 6]")):
                held = _filled(entry, values, {})
                yield tuple(
                    step(entry, tuple((p, t if n == at else h) for n, (p, h) in enumerate(held)))
                    for t in texts
                )


def _held(entry: Entry, values: Values) -> Iterator[tuple[Step, ...]]:
    """A stream that is read piece by piece, while what it reads from changes."""
    for _ in range(4):
        held = step(entry, _filled(entry, values, {}), hold=True)
        spoilt = [Step((), f"spoil_({name})") for name, _ in held.lets]
        yield (held, Step((), "take_(r0, 1)"), *spoilt, Step((), "take_(r0, 3)"), Step((), "shut_(r0)"))
        yield (held, Step((), "take_(r0, 2)"), Step((), "shut_(r0)"), Step((), "take_(r0, 2)"))


def plan(entries: Sequence[tuple[Entry, Sequence[Arguments]]], values: Values) -> list[Trial]:
    """Trials for several entries; what is alike is tried once."""
    trials: list[Trial] = []
    for entry, calls in entries:
        trials += grouped([*mined_steps(entry, calls), *single_steps(entry, values)])
        trials += [Trial(0, steps) for steps in sequences(entry, values)]
    return numbered(trials)
