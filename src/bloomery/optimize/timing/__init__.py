"""How long an original and a candidate take, side by side, and what may be claimed of it.

`workloads` finds what to time, `spread` chooses among it, `compare` decides on one workload.
"""

from bloomery.optimize.timing.comparing import Comparison, compare
from bloomery.optimize.timing.deciding import ERROR
from bloomery.optimize.timing.evidence import CHECKS, LEAST_GAIN, LEAST_SAVED
from bloomery.optimize.timing.finding import spread, workloads
from bloomery.optimize.timing.workload import Call, Workload

__all__ = [
    "CHECKS",
    "ERROR",
    "LEAST_GAIN",
    "LEAST_SAVED",
    "Call",
    "Comparison",
    "Workload",
    "compare",
    "spread",
    "workloads",
]
