"""Which planted changes the tests of one equation notice."""

from collections.abc import Iterator, Sequence
from dataclasses import replace

from bloomery.papers.verifying.joined import Joined, Seen, cases, good_cases, run_functions
from bloomery.papers.verifying.joining import Definition, Oracle, shown
from bloomery.papers.verifying.mutation import Tried
from bloomery.papers.verifying.verified import Mutants
from bloomery.source.python import first_line, function


def blind(joined: Joined, seen: Seen) -> Iterator[tuple[Definition, Sequence[Tried]]]:
    """Definitions that the tests of the equation run, of whose changes they notice none at all."""
    for definition, trials in by_definition(joined, seen):
        tried = [one for one in trials if one.state != "not_run"]
        if tried and not any(one.state == "killed" for one in tried):
            yield definition, tried


def deaf(joined: Joined, seen: Seen) -> Iterator[tuple[Oracle, list[Tried]]]:
    """Oracles that pass and notice none of the changes on lines that they run, and these changes."""
    good = good_cases(joined, seen)
    for oracle in joined.oracles:
        own = {case.node for case in cases(joined, oracle, seen.results)} & good
        met = [one for case in own for one in _met(joined, seen, case)]
        if met and not any(own & set(one.killers) for one in met):
            yield oracle, list(dict.fromkeys(met))


def _met(joined: Joined, seen: Seen, case: str) -> Iterator[Tried]:
    """The changes that were tried on lines which a case runs."""
    assert seen.covered is not None
    for definition in joined.code:
        for name in run_functions(joined, definition, seen):
            first = first_line(function(definition.parsed, name))
            ran = seen.covered.ran(definition.parsed, name, case)
            for one in (seen.trials or {}).get((definition.path, name), ()):
                if one.state != "not_run" and first + one.offset in ran:
                    yield one


def by_definition(joined: Joined, seen: Seen) -> Iterator[tuple[Definition, list[Tried]]]:
    """The trials of each definition; a change counts as killed by tests of this equation only."""
    good = good_cases(joined, seen)
    for definition in joined.code:
        names = run_functions(joined, definition, seen)
        found = [one for name in names for one in (seen.trials or {}).get((definition.path, name), ())]
        yield definition, [_own(one, good) for one in found]


def _own(one: Tried, good: frozenset[str]) -> Tried:
    own = tuple(test for test in one.killers if test in good)
    state = "survived" if one.state == "killed" and not own else one.state
    return replace(one, state=state, killers=own)


def noticed(joined: Joined, seen: Seen) -> tuple[tuple[Mutants, ...], tuple[str, ...]]:
    good = good_cases(joined, seen) if seen.trials else frozenset[str]()
    functions = {
        (one.path, name): one
        for one in joined.code
        for name in run_functions(joined, one, seen)
        if seen.trials
    }
    counted: dict[str, list[bool]] = {}
    survivors: list[str] = []
    for (path, name), definition in functions.items():
        for trial in (seen.trials or {}).get((path, name), ()):
            if trial.state == "not_run":
                continue
            own = _own(trial, good)
            counted.setdefault(own.kind, []).append(own.state == "killed")
            if own.state != "killed":
                line = first_line(function(definition.parsed, name)) + own.offset
                survivors.append(f"{shown(seen.root, path)}:{line}: {own.kind}: {own.change}")
    return tuple(Mutants(kind, sum(kills), len(kills)) for kind, kills in counted.items()), tuple(survivors)
