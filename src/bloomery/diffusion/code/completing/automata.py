"""Finite automata whose moves may be calls of others: determined by subsets, and as small as they can be."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass, field
from typing import NamedTuple


class Instance(NamedTuple):
    """A rule under flags."""

    name: str
    flags: frozenset[str]


Label = str | Instance


@dataclass
class Automaton:
    """Deterministic; state 0 is the start."""

    moves: list[dict[Label, int]]
    final: frozenset[int]


@dataclass
class Loose:
    """Under construction: with moves on nothing."""

    moves: list[list[tuple[Label, int]]] = field(default_factory=list)
    silent: list[list[int]] = field(default_factory=list)

    def state(self) -> int:
        self.moves.append([])
        self.silent.append([])
        return len(self.moves) - 1


def _reached(loose: Loose, states: set[int]) -> frozenset[int]:
    """With all that moves on nothing reach."""
    found, waiting = set(states), list(states)
    while waiting:
        for after in loose.silent[waiting.pop()]:
            if after not in found:
                found.add(after)
                waiting.append(after)
    return frozenset(found)


def determined(loose: Loose, begin: int, end: int) -> Automaton | None:
    """By subsets; none where nothing leads to the end."""
    first = _reached(loose, {begin})
    numbers, waiting = {first: 0}, deque([first])
    moves: list[dict[Label, int]] = []
    while waiting:
        states = waiting.popleft()
        onward: dict[Label, set[int]] = {}
        for state in states:
            for label, after in loose.moves[state]:
                onward.setdefault(label, set()).add(after)
        moves.append({})
        for label in sorted(onward, key=_order):
            reached = _reached(loose, onward[label])
            if reached not in numbers:
                numbers[reached] = len(numbers)
                waiting.append(reached)
            moves[-1][label] = numbers[reached]
    final = frozenset(number for states, number in numbers.items() if end in states)
    return _alive(Automaton(moves, final))


def mirrored(automaton: Automaton) -> Automaton:
    """The one that reads the same from right to left."""
    loose = Loose()
    for _ in automaton.moves:
        loose.state()
    for at, move in enumerate(automaton.moves):
        for label, to in move.items():
            loose.moves[to].append((label, at))
    begin = loose.state()
    loose.silent[begin] += sorted(automaton.final)
    found = determined(loose, begin, 0)
    assert found is not None  # every automaton has a way to its end
    return smallest(found)


def _order(label: Label) -> tuple[str, ...]:
    return (label,) if isinstance(label, str) else (label.name, *sorted(label.flags))


def _alive(automaton: Automaton) -> Automaton | None:
    """Without moves to states that no final state follows."""
    alive, size = set(automaton.final), -1
    while size != len(alive):
        size = len(alive)
        alive |= {at for at, move in enumerate(automaton.moves) if alive & set(move.values())}
    if 0 not in alive:
        return None
    kept = [{label: to for label, to in move.items() if to in alive} for move in automaton.moves]
    return Automaton(kept, automaton.final)


def smallest(automaton: Automaton) -> Automaton:
    """With states merged that nothing tells apart (Moore 1956), but for the start: nothing leads to it."""
    block = [
        2 + int(0 in automaton.final),
        *(int(at in automaton.final) for at in range(1, len(automaton.moves))),
    ]
    while True:
        looks = [
            (block[at], frozenset((label, block[to]) for label, to in move.items()))
            for at, move in enumerate(automaton.moves)
        ]
        numbers: dict[object, int] = {}
        refined = [numbers.setdefault(look, len(numbers)) for look in looks]
        if len(numbers) == len(set(block)):
            break
        block = refined
    return _renumbered(automaton, refined)


def _renumbered(automaton: Automaton, block: list[int]) -> Automaton:
    """One state a block, from the start in breadth."""
    member = {number: at for at, number in reversed(list(enumerate(block)))}
    numbers, waiting, moves = {block[0]: 0}, deque([block[0]]), list[dict[Label, int]]()
    while waiting:
        move = automaton.moves[member[waiting.popleft()]]
        moves.append({})
        for label, to in move.items():
            if block[to] not in numbers:
                numbers[block[to]] = len(numbers)
                waiting.append(block[to])
            moves[-1][label] = numbers[block[to]]
    final = frozenset(numbers[block[at]] for at in automaton.final if block[at] in numbers)
    return Automaton(moves, final)
