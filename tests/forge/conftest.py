from tests.cli.forged import forged_workspace, workspace

__all__ = ["forged_workspace", "workspace"]
