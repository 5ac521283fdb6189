"""Looks for cases that tell mutants of a module from the module itself, and that run its lines."""

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field
from random import Random

from bloomery.source.mutating.mutants import Mutant, mutants, mutated
from bloomery.source.python import Parsed, functions
from bloomery.source.testing.cases import Case, Seen
from bloomery.source.testing.drawing import WRONG_KIND, Drawing, finished
from bloomery.source.testing.effort import Budget
from bloomery.source.testing.mining import Mined
from bloomery.source.testing.trying import Bench
from bloomery.source.testing.varying import simpler, varied

Parts = frozenset[str]


@dataclass
class Found:
    """Cases with what was seen, and by mutant which parts of which cases tell it from the original.

    `unstable`: cases that another hash seed or another order saw differently.
    """

    mutants: tuple[Mutant, ...]
    cases: dict[int, Case] = field(default_factory=dict)
    seen: dict[int, Seen] = field(default_factory=dict)
    kills: dict[int, dict[int, Parts]] = field(default_factory=dict)
    unstable: set[int] = field(default_factory=set)
    keys: set[tuple[tuple[str, ...], str]] = field(default_factory=set)
    wrote: tuple[str, ...] = ()
    lost: dict[str, int] = field(default_factory=dict)

    @property
    def survivors(self) -> list[int]:
        return [at for at in range(len(self.mutants)) if not self.kills.get(at)]

    def usable(self, number: int) -> bool:
        one = self.seen.get(number)
        if one is None or number in self.unstable or one.state not in ("returned", "raised"):
            return False
        return one.state == "returned" or one.said or one.kind not in WRONG_KIND

    def killed_by(self, number: int) -> dict[int, Parts]:
        return {at: by[number] for at, by in self.kills.items() if number in by}


def all_mutants(parsed: Parsed, most: int, seed: int) -> tuple[Mutant, ...]:
    """Those of all functions, at most `most`, drawn by `seed`."""
    names = [name for name in functions(parsed.tree) if "<locals>" not in name]
    found = [one for name in names for one in mutants(parsed, name)]
    if len(found) > most:
        drawn = Random(seed).sample(range(len(found)), most)
        found = [found[at] for at in sorted(drawn)]
    return tuple(found)


class Searching:
    """One search over one module; everything that it draws comes from one seed."""

    def __init__(
        self, bench: Bench, parsed: Parsed, drawing: Drawing, mined: Mined, budget: Budget, seed: int
    ) -> None:
        self.bench, self.parsed, self.drawing, self.mined = bench, parsed, drawing, mined
        self.budget, self.rng = budget, Random(seed)
        self.found = Found(all_mutants(parsed, budget.mutants, seed))
        self.texts = {at: mutated(parsed, one) for at, one in enumerate(self.found.mutants)}

    def search(self, written: Iterable[Case], spared: Iterable[int] = ()) -> Found:
        """`spared`: mutants that are already killed by what there is."""
        spared = set(spared)
        self._take(written)
        self._take(case for name in self.drawing.callees for case in self.drawing.of(name, self.budget.cases))
        for _ in range(self.budget.rounds):
            waiting = [at for at in self.found.survivors if at not in spared]
            if not waiting:
                break
            self._take(self._near(waiting))
        return self.found

    def simplify(self, chosen: Mapping[int, Collection[int]]) -> None:
        """Try simpler forms of chosen cases on the mutants that those notice."""
        new: dict[int, Case] = {}
        wanted: dict[int, list[int]] = {}
        for number, killed in chosen.items():
            for case in [finished(one) for one in simpler(self.found.cases[number])][:24]:
                if case.key not in self.found.keys:
                    self.found.keys.add(case.key)
                    at = len(self.found.cases) + len(new)
                    new[at] = case
                    for mutant in killed:
                        wanted.setdefault(mutant, []).append(at)
        self.found.cases.update(new)
        self._look(new)
        self._kill({mutant: [n for n in asked if self.found.usable(n)] for mutant, asked in wanted.items()})

    def settle(self, numbers: Iterable[int]) -> None:
        """Look at cases again, backwards and under other hash seeds, and note which were seen differently."""
        cases = {number: self.found.cases[number] for number in numbers}
        for hash_seed in (1, 20240229):
            again = self.bench.look(cases, hash_seed=hash_seed, backwards=True).seen
            for number in cases:
                if number not in again or not again[number].same(self.found.seen[number]):
                    self.found.unstable.add(number)

    def _take(self, cases: Iterable[Case]) -> None:
        """See what the original does in new cases, and try those on the mutants whose lines they run."""
        new: dict[int, Case] = {}
        for case in cases:
            if case.key not in self.found.keys:
                self.found.keys.add(case.key)
                new[len(self.found.cases) + len(new)] = case
        self.found.cases.update(new)
        self._look(new)
        self.drawing.learn(self.found.cases, {n: self.found.seen[n] for n in new if n in self.found.seen})
        usable = sorted((n for n in new if self.found.usable(n)), key=lambda n: self.found.cases[n].size)
        self._kill({at: self._judges(at, usable) for at in range(len(self.found.mutants))})

    def _look(self, new: Mapping[int, Case]) -> None:
        if new:
            tried = self.bench.look(new)
            self.found.seen.update(tried.seen)
            self.found.wrote = self.found.wrote or tried.wrote
            for number, one in tried.seen.items():
                if one.state == "lost":
                    name = self.found.cases[number].callee
                    self.found.lost[name] = self.found.lost.get(name, 0) + 1

    def _kill(self, asked: Mapping[int, list[int]]) -> None:
        asked = {at: numbers for at, numbers in asked.items() if numbers}
        if not asked:
            return
        cases = {n: self.found.cases[n] for numbers in asked.values() for n in numbers}
        tried = self.bench.kill(cases, {at: self.texts[at] for at in asked}, asked)
        for at, by in tried.kills.items():
            self.found.kills.setdefault(at, {}).update(by)

    def _judges(self, at: int, usable: list[int]) -> list[int]:
        """The simplest cases that run a mutant's statement; fewer where it is already told apart."""
        mutant = self.found.mutants[at]
        known = len(self.found.kills.get(at, {}))
        most = self.budget.judges if known == 0 else max(0, 12 - known)
        found = [n for n in usable if mutant.default or self._runs(n, mutant)]
        return found[:most]

    def _runs(self, number: int, mutant: Mutant) -> bool:
        lines = self.found.seen[number].lines
        return any(line in lines for line in range(mutant.lines[0], mutant.lines[1] + 1))

    def _near(self, waiting: list[int]) -> Iterable[Case]:
        """Variations of cases that run the statement of a mutant nobody noticed; else new draws."""
        usable = [n for n in self.found.cases if self.found.usable(n)]
        everyone = list(self.found.cases.values())
        for turn in range(self.budget.varied):
            at = waiting[turn % len(waiting)]
            near = [n for n in usable if self._runs(n, self.found.mutants[at])]
            if not near or self.rng.random() < 0.2:
                yield self._drawn(self._nearest_callee(self.found.mutants[at]))
                continue
            parent = self.found.cases[self.rng.choice(near)]
            made = varied(parent, everyone[: 4 * self.budget.cases], self.mined, self.rng)
            if made:
                yield finished(made)

    def _drawn(self, name: str) -> Case:
        return self.drawing.one(self.drawing.callees[name], self.rng.choice(self.drawing.types[name]))

    def _nearest_callee(self, mutant: Mutant) -> str:
        if mutant.function in self.drawing.callees:
            return mutant.function
        owner = mutant.function.partition(".")[0]
        of_class = [name for name, one in self.drawing.callees.items() if one.owner == owner]
        return self.rng.choice(of_class or list(self.drawing.callees))
