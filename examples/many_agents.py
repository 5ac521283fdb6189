"""Several agents at one repository, each a process with its own worktree; what collides is merged or shown.

python examples/many_agents.py REPOSITORY TESTS FILE...
"""

import sys
from pathlib import Path

from bloomery.core.workspace import Workspace
from bloomery.optimize.coordinating import Crew, coordinate, enqueue
from bloomery.optimize.task import OptimizationTask

if __name__ == "__main__":  # agents are processes that import this file
    root, tests, paths = Path(sys.argv[1]), sys.argv[2], sys.argv[3:]
    workspace = Workspace.open(root / ".bloomery")
    for path in paths:
        task = OptimizationTask(root=root, paths=(path,), goal="speed", tests=(tests,), most=2)
        enqueue(workspace, task, method="test-driven", priority=80)
    done = coordinate(workspace, root, Crew(agents=2))
    for one in done.tasks:
        print(one.state, *one.paths, "by", one.agent)
    for offer in done.offers:
        print("patch", offer.state, offer.cid)
    print(len(done.conflicts), "conflicts")
