"""Repair as a proposer."""

from collections.abc import Iterator, Sequence
from random import Random
from typing import Any

from bloomery.optimize.proposal import Goal, Proposal, Target
from bloomery.optimize.proposers.repair.repairing import Repair, repair


class RepairSearch:
    """Proposes edits with which failing tests pass, for the goal `fix` alone.

    `tests`: files or node ids below the target's root; `budget`: candidates tried at most.
    """

    name = "repair"

    def __init__(self, tests: Sequence[str] = ("tests",), budget: int = 20_000) -> None:
        self.tests, self.budget = tuple(tests), budget

    def propose(self, target: Target, goal: Goal, *, rng: Random) -> Iterator[Proposal]:
        if goal != "fix":
            return
        seed = rng.randrange(2**32)
        found = repair(target.root, target.path, self.tests, self.budget, seed, function=target.function)
        for place, one in enumerate(found.ranked):
            where = f"line {one.line} of {one.unit}" if one.unit else f"line {one.line}"
            count = len(found.failing)
            tests = "test" if count == 1 else "tests"
            why = f"{where}: {count} failing {tests} and all others pass; no. {place + 1}"
            if one.standing.is_slower:
                why += "; its steps grow faster with the input than the original's, or than others do"
            yield Proposal(
                proposer=self.name,
                operator=one.operator,
                why=why,
                texts={target.path: one.text},
                function=one.unit,
                facts=facts_of(one, place),
            )


def facts_of(found: Repair, place: int) -> dict[str, Any]:
    """What a proposal says of itself: its rank, and whether it is slower, so that others stand before it."""
    standing = found.standing
    return {"rank": place, "size": standing.size, "slower": standing.is_slower, "slows": standing.slows,
            "grows": standing.grows}  # fmt: skip
