"""Forge a model from Python: the same functions that `bloomery forge run` calls."""

import sys

from bloomery.core.workspace import Workspace
from bloomery.forge.pipeline import forge, plan

recipe, folder, *overrides = sys.argv[1:]
workspace = Workspace.open(folder)
forged = forge(workspace, plan(recipe, overrides))
for item in workspace.catalog.evidence(forged.run_id):
    print(f"{item.state:8} {item.check}: {item.measured} {item.unit} (bar {item.bar})")
print(forged.folder)
