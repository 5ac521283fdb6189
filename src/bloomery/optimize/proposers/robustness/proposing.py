"""Mends as a proposer: without faults, for all functions where the conditions of a mend hold."""

import ast
from collections.abc import Iterator
from random import Random

from bloomery.optimize.faults.sighting import KINDS, Kind
from bloomery.optimize.proposal import Goal, Proposal, Target
from bloomery.optimize.proposers.robustness.catalogue import mends
from bloomery.optimize.proposers.robustness.source import Made, Source
from bloomery.source.python import parse_text

UNASKED: frozenset[Kind] = frozenset({"race", "unvalidated", "gives up at once"})
"""What only faults can show to be needed: nothing in the text tells."""


class Mender:
    """Proposes mends for the goal `robustness`; which of them are needed is for faults to say."""

    name = "robustness"

    def propose(self, target: Target, goal: Goal, *, rng: Random) -> Iterator[Proposal]:
        """Raises: NotPython. Equal targets make equal proposals whatever `rng` is."""
        if goal != "robustness" or not target.path.endswith(".py"):
            return
        text = target.text
        parse_text(text, target.root / target.path)
        seen = {text}
        for kind in KINDS:
            for function, _ in Source(text).functions(target.function) if kind not in UNASKED else ():
                for name, made in mends(text, kind, function):
                    if made.text not in seen:
                        seen.add(made.text)
                        yield proposal(target.path, name, made)


def proposal(path: str, name: str, made: Made) -> Proposal:
    ast.parse(made.text)
    why = f"{made.function}, line {made.line}: {made.why}"
    return Proposal("robustness", name, why, {path: made.text}, made.function or None)
