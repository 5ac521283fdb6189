"""Proven patches as draft pull requests; what GitHub cannot take now lies in files and is sent next time.

python examples/github_workflow.py REPOSITORY OWNER/NAME    # the token: GITHUB_TOKEN
"""

import sys
from pathlib import Path

from bloomery.core.workspace import Workspace
from bloomery.optimize.changes import open_ledger
from bloomery.optimize.github.opening import connected
from bloomery.optimize.github.outbox import Outbox
from bloomery.optimize.github.publishing import Wanted, publish, publishable

root, name = Path(sys.argv[1]), sys.argv[2]
ledger = open_ledger(Workspace.open(root / ".bloomery"), root)
outbox, wanted = Outbox.of(ledger.workspace, name), Wanted(files=root / "patches")
with connected(ledger, name) as github:
    told = publish(ledger, github, outbox, publishable(ledger), wanted)
for one in told.publications:
    print(one.stage, one.pull, one.patch)
if told.problem:
    print(f"{len(told.waiting)} wait, the same command sends them later: {told.problem}", file=sys.stderr)
