"""A change's way: proposed, judged, approved by a person, put into the tree, taken back out.

python examples/patch_workflow.py REPOSITORY FILE OLD NEW
"""

import sys
from pathlib import Path

from bloomery.core.workspace import Workspace
from bloomery.optimize.changes import About, apply, approve, attach, open_ledger, propose, roll_back
from bloomery.optimize.proposal import Proposal
from bloomery.optimize.validating import validate

root, path, old, new = Path(sys.argv[1]), *sys.argv[2:5]
before = (root / path).read_text()
change = Proposal("me", "by hand", "says what it does", {path: before.replace(old, new)})

ledger = open_ledger(Workspace.open(root / ".bloomery"), root)
patch = propose(ledger, About(proposer="me", description=change.why), texts=change.texts)
verdict = validate(root, change, goal="speed", claim=False, level="basic")
for one in verdict.evidence:
    print(one.state, one.check)
attach(ledger, patch.cid, verdict.evidence, by="validation")
approve(ledger, patch.cid, by="Ada")
apply(ledger, patch.cid, by="Ada")
print("in the tree:", new in (root / path).read_text())
roll_back(ledger, patch.cid, by="Ada")
print("as it was:", (root / path).read_text() == before)
