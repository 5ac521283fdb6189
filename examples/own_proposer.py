"""A proposer of one's own, beside the embedded ones: it may say what it likes, evidence decides.

python examples/own_proposer.py REPOSITORY FILE TESTS
"""

import sys
from collections.abc import Iterator
from pathlib import Path
from random import Random

from bloomery.core.workspace import Workspace
from bloomery.optimize.optimizing import optimize
from bloomery.optimize.proposal import Goal, Proposal, Target
from bloomery.optimize.task import OptimizationTask


class Boast:
    """Makes one good and one wrong proposal, and calls both good."""

    name = "boast"

    def propose(self, target: Target, goal: Goal, *, rng: Random) -> Iterator[Proposal]:
        loop = "    for price in prices:\n        result = result + price\n"
        slow = f"    result = 0\n{loop}    return result\n"
        for better in ("sum(prices)", "sum(set(prices))"):
            changed = target.text.replace(slow, f"    return {better}\n")
            yield Proposal(self.name, better, "quicker, I say", {target.path: changed}, "total")


root, path, tests = Path(sys.argv[1]), sys.argv[2], sys.argv[3]
workspace = Workspace.open(root / ".bloomery")
task = OptimizationTask(root=root, paths=(path,), goal="speed", tests=(tests,), proposers=("boast",))
for one in optimize(workspace, task, proposers=[Boast()]).tried:
    print(one.fate, one.operator, one.reason)
