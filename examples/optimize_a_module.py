"""One agent at one file: proposals, proven or dropped, and patches of what held. The tree is not changed.

python examples/optimize_a_module.py REPOSITORY FILE TESTS
"""

import sys
from pathlib import Path

from bloomery.core.workspace import Workspace
from bloomery.optimize.optimizing import optimize
from bloomery.optimize.task import OptimizationTask

root, path, tests = Path(sys.argv[1]), sys.argv[2], sys.argv[3]
workspace = Workspace.open(root / ".bloomery")
task = OptimizationTask(root=root, paths=(path,), goal="speed", tests=(tests,), level="strict", most=4)
report = optimize(workspace, task)
for one in report.tried:
    print(one.fate, one.operator, one.function, f"{one.gain:.1f}x" if one.gain else one.reason)
print(report.next)
