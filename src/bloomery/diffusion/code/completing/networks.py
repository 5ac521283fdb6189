"""Rules as finite automata that call each other: a context-free grammar, with few and small automata.

What is no recursion is regular, and regular parts are determined and minimised once, here; only recursion (a
bracket, a block, an expression in them) is left to the chart. Source: recursive transition networks (Woods
1970).
"""

from __future__ import annotations

from collections import deque

from bloomery.core.errors import UserError
from bloomery.diffusion.code.completing.automata import (
    Automaton,
    Instance,
    Label,
    Loose,
    determined,
    smallest,
)
from bloomery.diffusion.code.completing.notation import Either, Guard, Loop, Part, Row, Rule, Terminal

OPENING, CLOSING = frozenset("([{"), frozenset(")]}")
LINE = "LINE"  # a line break that ends nothing


def automata(
    rules: dict[str, Part], start: str, *, lines: str, flags: frozenset[str] = frozenset()
) -> dict[Instance, Automaton]:
    """An automaton for each rule that the start needs, under the flags it is needed with; the start is first.

    lines: where line breaks that end nothing may stand: "inside" brackets, "everywhere", or "nowhere".
    """
    made: dict[Instance, Automaton] = {}
    shared = _Shared(rules, lines)
    waiting = deque([shared.instance(start, flags | ({"inside"} if lines == "everywhere" else frozenset()))])
    while waiting:
        instance = waiting.popleft()
        if instance not in made:
            found = shared.automaton(instance)
            if found is None:
                raise UserError(
                    f"the grammar's rule {instance.name} has no end under {sorted(instance.flags)}"
                )
            made[instance] = found
            waiting += [label for move in found.moves for label in move if isinstance(label, Instance)]
    return made


class _Shared:
    """What the automata of one grammar share: each rule that is copied in is made once."""

    def __init__(self, rules: dict[str, Part], lines: str) -> None:
        self.rules, self.lines = rules, lines
        self.known: dict[Instance, Automaton | None] = {}
        self.within: list[str] = []
        self.matters = _matters(rules)

    def instance(self, name: str, flags: frozenset[str]) -> Instance:
        """With only the flags that matter there."""
        if name not in self.rules:
            raise UserError(f"the grammar has no rule {name}")
        return Instance(name, flags & self.matters[name])

    def automaton(self, instance: Instance) -> Automaton | None:
        """None where the flags leave no way through."""
        if instance not in self.known:
            if instance.name in self.within:
                raise UserError(
                    f"the grammar's rule {instance.name} is copied into itself: name it without _"
                )
            self.within.append(instance.name)
            found = _Builder(self, instance).determined()
            self.known[instance] = smallest(found) if found else None
            self.within.pop()
        return self.known[instance]


def _matters(rules: dict[str, Part]) -> dict[str, frozenset[str]]:
    """The flags that change what a rule stands for, directly or by what it refers to."""
    found = {name: frozenset({"inside"}) for name in rules}
    while True:
        before = dict(found)
        for name, part in rules.items():
            found[name] |= _asked(part, before)
        if before == found:
            return found


def _asked(part: Part, known: dict[str, frozenset[str]]) -> frozenset[str]:
    match part:
        case Guard(flag, _):
            return frozenset({flag})
        case Rule(name, sets, clears):
            return known.get(name, frozenset()) - sets - clears
        case Row(parts) | Either(parts):
            return frozenset().union(*(_asked(each, known) for each in parts))
        case Loop(again):
            return _asked(again, known)
        case Terminal():
            return frozenset()


class _Builder:
    """The loose automaton of one rule under flags."""

    def __init__(self, shared: _Shared, instance: Instance) -> None:
        self.shared, self.lines, self.loose = shared, shared.lines, Loose()
        self.start = self.loose.state()
        ends = self.part(shared.rules[instance.name], self.start, instance.flags)
        self.final = self.loose.state()
        if ends is not None:
            self.loose.silent[ends].append(self.final)

    def determined(self) -> Automaton | None:
        return determined(self.loose, self.start, self.final)

    def part(self, part: Part, at: int, flags: frozenset[str]) -> int | None:
        """The state after the part, from a state before it; none where a guard forbids it."""
        match part:
            case Terminal(name):
                return self.move(at, name, flags)
            case Rule(name, sets, clears):
                return self.called(self.shared.instance(name, (flags | sets) - clears), at, flags)
            case Guard(flag, wanted):
                return at if (flag in flags) == wanted else None
            case Row(parts):
                return self.row(parts, at, flags)
            case Either(parts):
                return self.joined([self.part(each, at, flags) for each in parts])
            case Loop(again):
                return self.looped(again, at, flags)

    def move(self, at: int, label: Label, flags: frozenset[str]) -> int:
        after = self.loose.state()
        self.loose.moves[at].append((label, after))
        if "inside" in flags and self.lines != "nowhere":
            self.loose.moves[after].append((LINE, after))
        return after

    def called(self, instance: Instance, at: int, flags: frozenset[str]) -> int | None:
        if not instance.name.startswith("_"):
            return self.move(at, instance, flags)
        copied = self.shared.automaton(instance)
        return self.copy(copied, at) if copied else None

    def copy(self, copied: Automaton, at: int) -> int:
        states = [self.loose.state() for _ in copied.moves]
        for state, move in zip(states, copied.moves, strict=True):
            self.loose.moves[state] += [(label, states[to]) for label, to in move.items()]
        self.loose.silent[at].append(states[0])
        after = self.loose.state()
        for end in copied.final:
            self.loose.silent[states[end]].append(after)
        return after

    def row(self, parts: tuple[Part, ...], at: int | None, flags: frozenset[str]) -> int | None:
        depth, inside = 0, flags
        for part in parts:
            if self.lines == "inside" and isinstance(part, Terminal):
                depth += (part.name in OPENING) - (part.name in CLOSING)
                inside = flags | {"inside"} if depth else flags
            at = None if at is None else self.part(part, at, inside)
        return at

    def joined(self, ends: list[int | None]) -> int | None:
        after = self.loose.state()
        for end in ends:
            if end is not None:
                self.loose.silent[end].append(after)
        return after if any(end is not None for end in ends) else None

    def looped(self, part: Part, at: int, flags: frozenset[str]) -> int:
        around = self.loose.state()
        self.loose.silent[at].append(around)
        end = self.part(part, around, flags)
        if end is not None:
            self.loose.silent[end].append(around)
        return around
