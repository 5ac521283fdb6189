from tests.cli.forged import bloomery, forged_workspace, workspace

__all__ = ["bloomery", "forged_workspace", "workspace"]
