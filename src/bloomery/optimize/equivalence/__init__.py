"""Whether a candidate means the same as the original, in everything that can be observed.

Both versions run the same trials, each trial in a process of its own in the sandbox; what is seen is written
down there and compared here. A difference comes as a small program that shows it. What cannot be said is
`not_run`: too few inputs, changed code that no input reached, an original that disagrees with itself.
"""

from bloomery.optimize.equivalence.cases import Effort
from bloomery.optimize.equivalence.finding import CHECKS, Finding, Verification
from bloomery.optimize.equivalence.verifying import verify

__all__ = ["CHECKS", "Effort", "Finding", "Verification", "verify"]
