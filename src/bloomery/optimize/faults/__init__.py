"""What breaks when the world does: faults at the seams of a module, and the invariants that must hold.

`probe` finds weaknesses; `compare_under_faults` holds a candidate to the original; `replay` repeats one
schedule. The code under test runs in the sandbox only.

Not seen: faults inside of C libraries with input and output of their own (sqlite3), TLS, asynchronous
streams; threads only where a module itself says that it knows of them.
"""

from bloomery.optimize.faults.comparing import NO_WORSE, UnderFaults, compare_under_faults
from bloomery.optimize.faults.probing import probe, replay
from bloomery.optimize.faults.schedule import Fault, Scenario, Schedule
from bloomery.optimize.faults.steadying import Effort
from bloomery.optimize.faults.weakness import Weakness, Weaknesses

__all__ = [
    "NO_WORSE",
    "Effort",
    "Fault",
    "Scenario",
    "Schedule",
    "UnderFaults",
    "Weakness",
    "Weaknesses",
    "compare_under_faults",
    "probe",
    "replay",
]
