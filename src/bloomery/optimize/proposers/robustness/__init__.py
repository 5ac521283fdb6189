"""Mends for what breaks under faults: edits with checked conditions, which the same faults then judge."""

from bloomery.optimize.proposers.robustness.catalogue import MENDS, Mend, mends
from bloomery.optimize.proposers.robustness.proposing import Mender, proposal
from bloomery.optimize.proposers.robustness.source import Made

__all__ = ["MENDS", "Made", "Mend", "Mender", "mends", "proposal"]
