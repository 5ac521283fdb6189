from tests.cli.forged import forged_workspace, workspace
from tests.forge.whole import whole_workspace

__all__ = ["forged_workspace", "whole_workspace", "workspace"]
