"""A language's terminals and automata in the form the chart reads.

A token is one terminal, but for lexemes that are spelled: those begin with an opening token of their kind and
go on with pieces. And trivia stand between any two terminals. Both are the same everywhere, so they are no
part of the rules: a place in a program is a state of an automaton and a mode. Plain, the state goes on;
opened, a piece must come; spelled, one may come (and the state is plain, too); after a remark, a line must
end.
"""

from __future__ import annotations

import functools
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from bloomery.core.errors import UnknownName
from bloomery.diffusion.code.completing.automata import Instance, mirrored
from bloomery.diffusion.code.completing.networks import LINE, automata
from bloomery.diffusion.code.completing.notation import read_rules

PLAIN, OPENED, SPELLED, REMARKED, REMARKING = range(5)
MODES = 5
PIECE, SPACE, PAD = "PIECE", "SPACE", "PAD"
COMMENT, BLOCK_COMMENT = "COMMENT", "BLOCK_COMMENT"
OPEN = "OPEN "  # and the kind that it opens
MAY_BE_EMPTY = frozenset({"STRING", "BYTES", "FSTRING", COMMENT, BLOCK_COMMENT, "TEMPLATE", "RUNE"})
TRIVIA = (SPACE, PAD, COMMENT, BLOCK_COMMENT, OPEN + COMMENT, OPEN + BLOCK_COMMENT)
LINE_ENDS = frozenset({LINE, "NEWLINE", "NL"})

Edges = dict[int, int]  # the place after, and the set of terminals that lead there


class EdgesAmong(dict[int, Edges]):
    """The edges of each place that a set of terminals has, made when first asked for."""

    def __init__(self, grammar: Grammar, among: int) -> None:
        super().__init__()
        self.grammar, self.among = grammar, among

    def __missing__(self, place: int) -> Edges:
        found: Edges = {}
        for terminal, after in self.grammar.onward(*divmod(place, MODES)):
            bit = 1 << self.grammar.index[terminal] & self.among
            if bit:
                found[after] = found.get(after, 0) | bit
        self[place] = found
        return found


@dataclass(frozen=True, eq=False)
class Grammar:
    """States are numbered over all automata; a place is `state * MODES + mode`.

    Sets of terminals are bits of an integer, in the order of `terminals`.
    """

    terminals: tuple[str, ...]
    moves: tuple[dict[str, int], ...]
    calls: tuple[tuple[tuple[int, int], ...], ...]
    starts: tuple[int, ...]
    owner: tuple[int, ...]
    final: frozenset[int]
    apart: tuple[tuple[str, str], ...] = ()
    _edges: dict[int, EdgesAmong] = field(default_factory=dict)

    @functools.cached_property
    def index(self) -> dict[str, int]:
        return {terminal: at for at, terminal in enumerate(self.terminals)}

    def bits(self, terminals: Iterable[str]) -> int:
        """The set of these terminals.

        Raises: UnknownName.
        """
        found = 0
        for terminal in terminals:
            if terminal not in self.index:
                raise UnknownName("terminal", terminal, self.terminals)
            found |= 1 << self.index[terminal]
        return found

    def names(self, bits: int) -> list[str]:
        return [terminal for at, terminal in enumerate(self.terminals) if bits >> at & 1]

    def edges(self, among: int) -> EdgesAmong:
        """Where the terminals of a set lead, from each place."""
        if among not in self._edges:
            self._edges[among] = EdgesAmong(self, among)
        return self._edges[among]

    @functools.cached_property
    def ends(self) -> tuple[tuple[int, ...], ...]:
        """The places where an automaton is at its end, by its number."""
        found: list[list[int]] = [[] for _ in self.starts]
        for state in sorted(self.final):
            modes = (PLAIN,) if self.owner[state] else (PLAIN, REMARKED, REMARKING)
            found[self.owner[state]] += [state * MODES + mode for mode in modes]
        return tuple(map(tuple, found))

    @functools.cached_property
    def ended(self) -> dict[int, int]:
        """The automaton that is at its end at a place."""
        return {place: owner for owner, places in enumerate(self.ends) for place in places}

    @functools.cache  # noqa: B019  (grammars live as long as the process)
    def onward(self, state: int, mode: int) -> tuple[tuple[str, int], ...]:
        """The terminals that lead on from a place, and where to."""
        here = state * MODES
        if mode in {OPENED, SPELLED}:
            return ((PIECE, here), (PIECE, here + SPELLED))
        moves = [(terminal, after * MODES) for terminal, after in self.moves[state].items()]
        if mode in {REMARKED, REMARKING}:
            ends = [(terminal, place) for terminal, place in moves if terminal in LINE_ENDS]
            return (*ends, (PAD, here + mode), *([(PIECE, here + mode)] * (mode == REMARKING)))
        opened = [
            (OPEN + terminal, place) for terminal, after in moves for place in self._opened(terminal, after)
        ]
        onward = [*moves, *opened, *(self._trivia(here) if self._takes_trivia(state) else [])]
        return tuple((terminal, place) for terminal, place in onward if terminal in self.index)

    @staticmethod
    def _opened(terminal: str, after: int) -> tuple[int, ...]:
        return (after, after + SPELLED) if terminal in MAY_BE_EMPTY else (after + OPENED,)

    def _takes_trivia(self, state: int) -> bool:
        """What stands before an automaton's start is its caller's, and after an end that nothing follows."""
        is_start = state in self.starts[1:]
        return not is_start and bool(self.moves[state] or self.calls[state] or self.owner[state] == 0)

    def _trivia(self, here: int) -> list[tuple[str, int]]:
        onward = [(SPACE, here), (PAD, here), (COMMENT, here + REMARKED), (OPEN + COMMENT, here + REMARKING)]
        return [
            *onward,
            (BLOCK_COMMENT, here),
            (OPEN + BLOCK_COMMENT, here),
            (OPEN + BLOCK_COMMENT, here + SPELLED),
        ]

    @functools.cached_property
    def first(self) -> tuple[int, ...]:
        """The terminals that an automaton may begin with, by its number."""
        found, before = [0] * len(self.starts), None
        while before != found:
            before = list(found)
            for number, start in enumerate(self.starts):
                for terminal, _ in self.onward(start, PLAIN):
                    found[number] |= 1 << self.index[terminal]
                for called, _ in self.calls[start]:
                    found[number] |= before[called]
        return tuple(found)

    @functools.cached_property
    def neighbours(self) -> tuple[tuple[int, int], ...]:
        """Sets of terminals of which one of the second never comes right after one of the first."""
        known = [(left.split(), right.split()) for left, right in self.apart]
        return tuple((self.bits(left), self.bits(right)) for left, right in known)

    @functools.cached_property
    def trivia(self) -> int:
        return self.bits(terminal for terminal in TRIVIA if terminal in self.index)

    @functools.cached_property
    def sites(self) -> tuple[tuple[int, ...], ...]:
        """The places after the calls of an automaton, by its number."""
        found: list[set[int]] = [set() for _ in self.starts]
        for calls in self.calls:
            for called, after in calls:
                found[called].add(after * MODES)
        return tuple(tuple(sorted(places)) for places in found)

    @functools.cached_property
    def enders(self) -> tuple[frozenset[int], ...]:
        """The automata whose end may be an end of another, by its number."""
        found: list[set[int]] = [set() for _ in self.starts]
        for calls in self.calls:
            for called, after in calls:
                if after in self.final:
                    found[self.owner[after]].add(called)
        return tuple(map(frozenset, found))

    @functools.cached_property
    def begun(self) -> tuple[tuple[int, ...], ...]:
        """The automata that may begin at a state, those that they begin with included."""
        return tuple(self._begun(state) for state in range(len(self.moves)))

    def _begun(self, state: int) -> tuple[int, ...]:
        found, waiting = set(), [state]
        while waiting:
            for called, _ in self.calls[waiting.pop()]:
                if called not in found:
                    found.add(called)
                    waiting.append(self.starts[called])
        return tuple(sorted(found))


def compiled(
    text: str,
    start: str = "file",
    *,
    lines: str = "nowhere",
    spelled: Iterable[str] = (),
    trivia: Iterable[str] = (),
    flags: frozenset[str] = frozenset(),
    apart: Iterable[tuple[str, str]] = (),
    mirror: bool = False,
) -> Grammar:
    """The grammar of rules as text.

    spelled: the terminals that may be spelled by pieces. trivia: those of `TRIVIA` that the language has.
    mirror: of the same texts from right to left, for terminals that are neither spelled nor trivia.
    """
    found = automata(read_rules(text), start, lines=lines, flags=flags)
    if mirror:
        found = {instance: mirrored(automaton) for instance, automaton in found.items()}
    numbers = {instance: at for at, instance in enumerate(found)}
    offsets, total = [], 0
    for automaton in found.values():
        offsets.append(total)
        total += len(automaton.moves)
    moves, calls, owner, final = [], [], [], set()
    for number, (offset, automaton) in enumerate(zip(offsets, found.values(), strict=True)):
        final |= {offset + at for at in automaton.final}
        for move in automaton.moves:
            moves.append({label: offset + to for label, to in move.items() if isinstance(label, str)})
            calls.append(
                tuple(
                    (numbers[label], offset + to) for label, to in move.items() if isinstance(label, Instance)
                )
            )
            owner.append(number)
    names = _terminals(moves, spelled, trivia)
    return Grammar(
        names, tuple(moves), tuple(calls), tuple(offsets), tuple(owner), frozenset(final), tuple(apart)
    )


def _terminals(
    moves: Sequence[Mapping[str, int]], spelled: Iterable[str], trivia: Iterable[str]
) -> tuple[str, ...]:
    used = {terminal for move in moves for terminal in move}
    opened = [OPEN + terminal for terminal in spelled if terminal in used]
    return tuple(dict.fromkeys((*sorted(used), *opened, *([PIECE] if spelled else []), *trivia)))
