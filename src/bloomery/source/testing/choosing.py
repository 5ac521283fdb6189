"""Which cases become tests: few and simple ones that together notice all that any of them notices."""

import re
from collections.abc import Collection, Iterator
from dataclasses import dataclass

from bloomery.source.testing.cases import Seen
from bloomery.source.testing.searching import Found

MOST_CHARACTERS = 240
ODD = re.compile(r"True|False|None|\[\]|\{\}|''|b'|lambda")  # guessed arguments nobody would write
SCALARS = ("bool", "int", "float", "str", "bytes", "list", "tuple", "dict", "set", "frozenset")


@dataclass(frozen=True)
class Claim:
    """What a test says of a case. `parts`: beside what came back its `type`, or what is unchanged `after`."""

    number: int
    parts: frozenset[str]
    mutants: frozenset[int]
    lines: frozenset[int]
    cost: int

    def gain(self, mutants: set[int], lines: set[int]) -> float:
        new = len(self.mutants & mutants) + 0.5 * len(self.lines & lines)
        return new / (40 + self.cost)


def claims(found: Found) -> Iterator[Claim]:
    """Every claim that some case supports, the plain one of each first."""
    for number, case in found.cases.items():
        if not found.usable(number):
            continue
        seen = found.seen[number]
        if not sayable(seen):
            continue
        killed = found.killed_by(number)
        cost = case.size + (len(seen.text or "") + 20 * len(seen.attributes)) // 2
        cost += 60 if seen.state == "raised" and not seen.said else 0
        cost += 10 * len(ODD.findall(" ".join((*case.setup, case.call)))) if case.origin == "guess" else 0
        cost -= 20 if case.origin in ("docstring", "recorded", "test") else 0
        told = {"value", "after"} if seen.changed else {"value"}
        for more in _parts(seen, told):
            mutants = frozenset(at for at, parts in killed.items() if parts & (told | more))
            yield Claim(number, more, mutants, seen.lines, cost + 20 * len(more))


def choose(found: Found, mutants: Collection[int], lines: Collection[int]) -> list[Claim]:
    """A greedy cover of `mutants` and `lines`, and then without what the rest makes needless."""
    missing, uncovered = set(mutants), set(lines)
    candidates = list(claims(found))
    chosen: list[Claim] = []
    while candidates:
        best = max(candidates, key=lambda claim: (claim.gain(missing, uncovered), -claim.number))
        if best.gain(missing, uncovered) == 0:
            break
        chosen.append(best)
        missing -= best.mutants
        uncovered -= best.lines
    for claim in sorted(chosen, key=lambda one: -one.cost):
        rest = [one for one in chosen if one is not claim]
        if not _only(claim, rest, set(mutants), set(lines)):
            chosen = rest
    return sorted(chosen, key=lambda one: (one.cost, one.number))


def sayable(seen: Seen) -> bool:
    """Whether a test can be written that says what was seen."""
    texts = [seen.text or "", *seen.attributes.values()]
    texts += [str(seen.after[name]) for name in seen.changed]
    if "object at 0x" in "".join(texts) or sum(map(len, texts)) > MOST_CHARACTERS:
        return False
    if "nan" in "".join(texts) and seen.text != 'float("nan")':
        return False
    if seen.state == "raised":
        return not seen.kind.startswith("_") and "<locals>" not in seen.kind
    return seen.text is not None or bool(seen.attributes) or bool(seen.changed)


def _only(claim: Claim, rest: list[Claim], mutants: set[int], lines: set[int]) -> bool:
    """Whether a claim alone notices a mutant, or runs a line."""
    others = frozenset[int]().union(*(one.mutants for one in rest))
    other_lines = frozenset[int]().union(*(one.lines for one in rest))
    return bool((claim.mutants & mutants) - others or (claim.lines & lines) - other_lines)


def _parts(seen: Seen, told: set[str]) -> Iterator[frozenset[str]]:
    yield frozenset()
    if seen.text is not None and seen.kind in SCALARS:
        yield frozenset({"type"})
    if "after" not in told and any(isinstance(one, str) for one in seen.after.values()):
        yield frozenset({"after"})
