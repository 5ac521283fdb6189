"""Repair by search: suspicious lines, single edits from cheap to dear, tests as the judge, then a ranking."""

from bloomery.optimize.proposers.repair.proposing import RepairSearch
from bloomery.optimize.proposers.repair.ranking import Standing
from bloomery.optimize.proposers.repair.repairing import (
    CannotRepair,
    NothingToRepair,
    Repair,
    Repairs,
    repair,
)
from bloomery.optimize.proposers.repair.searching import Progress

__all__ = [
    "CannotRepair",
    "NothingToRepair",
    "Progress",
    "Repair",
    "RepairSearch",
    "Repairs",
    "Standing",
    "repair",
]
