"""Small wrong changes to one function, and which tests notice them."""

from bloomery.source.mutating.killing import Trying, kill_table, kill_tables
from bloomery.source.mutating.tables import Kill, KillTable, Trial

__all__ = ["Kill", "KillTable", "Trial", "Trying", "kill_table", "kill_tables"]
