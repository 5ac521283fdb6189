"""Tuning as a proposer."""

from collections.abc import Iterator
from random import Random

from bloomery.core.errors import UserError
from bloomery.optimize.proposal import Goal, Proposal, Target
from bloomery.optimize.proposers.rewrites.program import Program
from bloomery.optimize.proposers.tuning.finding import knobs
from bloomery.optimize.proposers.tuning.knob import Knob, with_number
from bloomery.optimize.proposers.tuning.purity import keepable
from bloomery.source.editing.imports import add_import
from bloomery.source.python import parse_text

KEPT = 1024
ROUNDS = 6  # of other values, the likeliest of every number first


class TuningProposer:
    """Proposes other numbers for what only speed or memory depends on, and caches with a bound."""

    name = "tuning"

    def propose(self, target: Target, goal: Goal, *, rng: Random) -> Iterator[Proposal]:
        """Raises: NotPython. Equal targets make equal proposals whatever `rng` is."""
        if goal not in ("speed", "memory") or not target.path.endswith(".py"):
            return
        text = target.text
        parse_text(text, target.root / target.path)
        program = Program(text)
        if goal == "speed":
            yield from self._cached(program, target)
        found = [one for one in knobs(program, target.root, target.path) if _is_meant(one, target)]
        for place in range(ROUNDS):
            for knob in found:
                others = knob.others(goal)
                if place < len(others):
                    yield self._proposal(target, program, knob, others[place])

    def _proposal(self, target: Target, program: Program, knob: Knob, value: int) -> Proposal:
        was = "without a bound" if knob.value is None else str(knob.value)
        return Proposal(
            proposer=self.name,
            operator=f"{knob.role}-size" if knob.role != "threshold" else "threshold",
            why=f"line {knob.line}: {knob.name} {value} instead of {was}; {knob.checked}",
            texts={target.path: with_number(program, knob, value)},
            function=knob.function,
        )

    def _cached(self, program: Program, target: Target) -> Iterator[Proposal]:
        for node in keepable(program):
            if target.function in (None, node.name):
                try:
                    text = add_import(_decorated(program, node.lineno), "from functools import lru_cache")
                except UserError:
                    return  # the module uses the name for something else
                yield Proposal(
                    proposer=self.name,
                    operator="bounded-cache",
                    why=f"{node.name} is pure by its text: calls with the same arguments are answered from "
                    f"the last {KEPT} results (that they come again is for measurement to say)",
                    texts={target.path: text},
                    function=node.name,
                )


def _decorated(program: Program, line: int) -> str:
    lines = list(program.lines)
    lines.insert(line - 1, f"@lru_cache(maxsize={KEPT}, typed=True)\n")
    return "".join(lines)


def _is_meant(knob: Knob, target: Target) -> bool:
    return target.function is None or knob.function in (None, target.function)
